"""Text into values: numbers, times, addresses, codes, phones, names of people, as Polars expressions.

Which field is parsed how stands in the vendors; what becomes of a value that cannot be parsed, in normalisation.
"""
