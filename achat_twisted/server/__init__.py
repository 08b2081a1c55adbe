"""The process: options, reload, the ordered start and stop, the log, signals, systemd.

It may import all folders below it. It plays no part in the way of a line.
"""
