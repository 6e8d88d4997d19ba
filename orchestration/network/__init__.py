"""Requests to vendors: who we are there, how fast we may ask, and how long to wait when they say so. Needs the extra
`network`.

Nothing here calls a vendor by itself, and nothing knows what a request is for.
"""
