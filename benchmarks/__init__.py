"""The costs of things, measured on real servers."""
