"""The broker: those who are here, and the way of a line to them: sessions, outboxes, writers.

It imports all folders below it, but only the contracts of net. It never reads from a socket.
"""
