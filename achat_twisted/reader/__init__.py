"""A connection's lines on their way in: arrival, lines, commands.

It may import all folders below it. It never writes to a peer, and never removes one.
"""
