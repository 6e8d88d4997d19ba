"""What the vendors have, fetched over the network into the landing zone, byte for byte.

Nothing is loaded here: a page that was pulled is a landed file like any other.
"""
