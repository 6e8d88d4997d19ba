"""The language vendors are written in: streams, dialects, shapes of records, and selects of target = source, a module
each.

No vendor is named here, and nothing is read.
"""
