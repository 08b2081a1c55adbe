"""Who may enter: the gate, secrets, client certificates.

It imports wire, tools, net and limits. It never lets a name in by itself: the reader does.
"""
