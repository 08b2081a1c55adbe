"""Who is here, where a line goes, and what becomes of it: sessions, outboxes, writers.

It imports all folders below it, the contracts of net alone. It never reads from a socket.
"""
