"""Whole schedules of clients, server, clock and faults, each drawn from one seed.

The server is the real one, from its transport up; below that there is a kernel, a network and a
time of our own. So a schedule that has failed once fails again.
"""
