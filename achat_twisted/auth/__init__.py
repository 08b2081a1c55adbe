"""Who may enter: secrets, client certificates, and the gate that asks for them."""
