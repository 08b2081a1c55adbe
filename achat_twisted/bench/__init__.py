"""The load tool behind C{achat bench}: what a server does under load, and what that costs it.

It may import wire and tools. It knows a server only by what that says, and by its process.
"""
