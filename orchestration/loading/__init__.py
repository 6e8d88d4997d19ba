"""Landed files into staging, each with its entry in the load log, in one transaction.

What a record becomes is decided in normalisation.
"""
