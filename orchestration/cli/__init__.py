"""The command line `c360`: one module per command, and how commands print.

What a command does stands in the packages below; here it is asked for and shown.
"""
