"""What is known here, given back to the vendors: request bodies as files, only what changed, for people who may be
reached.

Reads what is published; sends nothing unless asked to. How a body looks stands in `channels`, one module per vendor.
"""
