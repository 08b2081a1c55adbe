"""The operator's tools: achat admin, and metrics over HTTP.

It may import all folders below it. It never changes the fate of a line.
"""
