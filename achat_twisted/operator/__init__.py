"""What an operator sees and does: achat admin, metrics over HTTP.

It imports all folders below it but the reader. It never changes what becomes of a line.
"""
