"""From staging to marts: dbt inside this process, the rules it runs on, and builds in part.

The models themselves stand in dbt_project.
"""
