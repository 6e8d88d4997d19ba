"""`python -m orchestration.cli` is `c360`."""

from orchestration.cli.main import script

script()
