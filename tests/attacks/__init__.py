"""Attacks: bytes that no honest client would send, and crowds that want the server to fail."""
