"""The built-in job types, found by entry point, by the same door as a user's own."""
