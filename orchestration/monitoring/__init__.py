"""How late, how odd, what a person must look at, and who is notified.

Reads what the runs have noted; decides nothing about data.
"""
