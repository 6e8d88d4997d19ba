"""Erasure, access, and copies without people in them: what a person may ask for, and how it is shown that it was done.

What an erasure means for a record is decided in normalisation, and the hashes that loading asks are kept in loading.
"""
