"""The commands of the shell: C{achat chat}, a conversation that outlives its connections.

It may import wire and tools. It knows nothing of the server but what that says.
"""
