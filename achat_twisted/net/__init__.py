"""Sockets: reading and writing, acknowledgements, and the end of a connection.

It may import wire and tools. It never looks at what the bytes mean.
"""
