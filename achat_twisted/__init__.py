"""achat: a chat server on Twisted that never silently loses a line it has accepted.

A message goes C{reader → wire → broker → outbox → writer}; each is a folder or a
module, and C{docs/architecture.md} has the map.
"""

__version__ = "0.2.0"
