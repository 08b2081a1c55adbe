"""The broker: those who are here, and a line's way to them: sessions, outboxes, writers.

It may import all folders below it, but only the contracts of net. It never reads from a socket.
"""
