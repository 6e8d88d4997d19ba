"""The Dagster shell: assets, sensors, resources. The only package that imports Dagster, but for its records of runs in
monitoring.

No rule stands here: every asset calls the steps of `pipeline.py`.
"""
