"""Text into values: numbers, times, e-mail addresses, documents, ids, codes, phones, names of people, a module each, as
Polars expressions.

Which field is parsed how stands in the vendors; what becomes of a value that cannot be parsed, in normalisation.
"""
