"""What people look at: figures, a person's page, the report, the local dashboard, and why records are one person.

Only reads a published warehouse. Every number is a query of `figures`, which dashboard and report share, so that they
cannot disagree.
"""
