"""The steps of the nightly job, a module each, and what a run leaves to be read; `pipeline.py` puts them together.

What a step does stands in the packages below. No Dagster, and nothing that only one way of running the job needs: the
command line and Dagster take the same steps.
"""
