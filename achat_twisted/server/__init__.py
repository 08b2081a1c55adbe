"""The process: options, reload, the ordered start and stop, the log, signals, systemd.

It imports everything. It never takes part in the way of a line.
"""
