"""What any process of ours needs, whatever it does: errors a person can act on, redaction, points of failure for tests.

Nothing here knows of vendors, tables or DuckDB.
"""
