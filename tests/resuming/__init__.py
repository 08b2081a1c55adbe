"""Whole schedules of clients that resume, a server and a mailbox, each drawn from one seed.

From the reader to the file the server is the real one; the network, the disk and the time are not.
"""
