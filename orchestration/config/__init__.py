"""What an installation says of itself: settings, accounts, who may read its files.

What the settings lead to is decided where they are used.
"""
