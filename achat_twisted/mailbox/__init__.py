"""Mailboxes, where copies wait for names that are away or behind: in memory, or in a file.

It may import wire and tools. It never knows a session or a connection.
"""
