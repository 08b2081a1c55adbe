"""Tests over real loopback sockets and the real twistd."""
