"""The DuckDB files themselves: opening, locking, their schema, the run log, what they were made from.

What is loaded, computed or published stands in the three packages above.
"""
