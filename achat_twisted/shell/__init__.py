"""The commands of the shell, for users: C{achat chat}, C{say}, C{take} and C{mcp}.

It may import the library, wire and tools, and imports no Twisted. It knows nothing of the server
but what that says.
"""
