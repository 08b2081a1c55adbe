"""The limits on what clients may take: connections, lines, memory, and each other's time.

It may import wire, tools and net. It never closes a connection itself.
"""
