"""The check at login: the gate, secrets, client certificates.

It may import wire, tools, net and limits. It never lets a name in itself: the reader does.
"""
