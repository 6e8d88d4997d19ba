"""Records into frames of canonical tables. Pure: records and a vendor in, frames and what is to be logged out.

No files, no DuckDB.
"""
