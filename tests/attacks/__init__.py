"""Those who mean harm: bytes that nobody would send, and crowds that want the server to fall."""
