"""The servers that achat is compared with."""
