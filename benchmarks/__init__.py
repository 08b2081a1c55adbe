"""What things cost, measured on real servers."""
