"""What achat is compared with."""
