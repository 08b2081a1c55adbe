"""Does a test fail for each way to break the promise? The code is broken on purpose, and see.

Strategy: a I{mutation} is a change of a few lines, named after what it breaks. Each is made in a
copy of the tree of its own, where the tests that should notice it are run.
"""
