"""The promise put to the proof: real servers stopped and killed again and again under a flood.

Strategy: each peer of a mesh posts numbered lines to all others for as long as the proof lasts,
through any number of connections and servers, and does with C{! bye N} and C{! synced N} what
C{docs/protocol.md} tells a client to do. At the end each looks at the numbers that it was sent.

C{python -m tests.proof stops} is a long form; L{tests.proof.claims} has what there is instead of
C{stops}.
"""
