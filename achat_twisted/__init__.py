"""achat: a chat server on Twisted that never silently loses a line it has accepted.

The way of a message is C{reader → wire → broker → outbox → writer}; a module a
step, and C{docs/architecture.md} has the map.
"""

__version__ = "0.1.0"
