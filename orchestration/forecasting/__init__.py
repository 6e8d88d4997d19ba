"""The mathematics of what customers will buy, used by two dbt Python models only.

Numbers in, numbers out: no tables, no files.
"""
