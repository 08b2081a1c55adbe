"""Tools for every folder: the steady clock, deadlines, backoff, threads, watched files, errors.

It imports nothing of achat. It never knows what it is used for.
"""
