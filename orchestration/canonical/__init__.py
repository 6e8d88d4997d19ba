"""What a value may be: the canonical tables and their columns, codes of countries and currencies, reasons by code.

Plain declarations; nothing here reads, parses or writes.
"""
