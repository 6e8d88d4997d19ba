"""Records into frames of canonical tables. Pure: records and a vendor in, frames and what is to be booked out.

No files, no DuckDB.
"""
