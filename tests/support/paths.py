"""Where the project's own files lie, for tests wherever they stand."""

from pathlib import Path

PROJECT = Path(__file__).parents[2]
SAMPLES = PROJECT / "data" / "samples"
DBT_PROJECT = PROJECT / "dbt_project"
SHARED = PROJECT.parent / "shared"
GOLDENS = PROJECT / "tests" / "vendors"
VENDOR_SCHEMAS = PROJECT / "tests" / "activation" / "schemas"
