"""Sockets: what is read and written, what has been acknowledged, and how a connection ends.

It imports wire and tools. It never looks at what the bytes mean.
"""
