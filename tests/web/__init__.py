"""The web: REST, pages, rights."""
