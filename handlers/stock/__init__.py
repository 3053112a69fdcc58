"""Our side of stock and prices: what the shops should show, what they do show, and every value that is set there."""
