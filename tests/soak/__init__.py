"""The soak: everything at once and for long, after which the server must be where it began."""
