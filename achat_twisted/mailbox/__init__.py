"""Mailboxes, where copies wait for names that are away or behind: in memory, or in a file.

It imports wire and tools. It never knows a session or a connection.
"""
