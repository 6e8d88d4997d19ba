"""The landing zone: which files have landed, and the records in them. Bytes in, records out.

What a record means is decided in normalisation; nothing is written.
"""
