"""The process: options, reload, the ordered start and stop, the log, signals, systemd.

It imports everything. It plays no part in the way of a line.
"""
