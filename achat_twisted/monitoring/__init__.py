"""What an operator sees: figures that are taken only when somebody asks for them."""
