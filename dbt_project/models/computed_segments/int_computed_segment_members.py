"""Grain: one row per computed segment, customer and day on which its predicate holds for the customer.

SQL cannot evaluate predicates that are data, so this one model is Python: it hands each predicate of the seed to the
database as the filter of one query. `orchestration/transformation/segment_rules.py` has checked them before the run.
"""

import asyncio
from typing import Any

from orchestration.transformation.segment_rules import members

COLUMNS = "segment_id varchar, customer_id varchar, member_date date"


def model(dbt: Any, session: Any) -> Any:
    dbt.config(materialized="table", contract={"enforced": False})
    _close_event_loop()
    population, segments = dbt.ref("int_segment_population"), dbt.ref("computed_segments")
    session.execute(f"create or replace temp table computed_segment_members ({COLUMNS})")
    for segment_id, predicate in segments.project("segment_id, predicate").fetchall():
        candidates = members(population, predicate).project("customer_id, as_of_date").set_alias("members")
        candidates.create_view("computed_segment_candidates", replace=True)
        session.execute(
            "insert into computed_segment_members select $1, customer_id, as_of_date from computed_segment_candidates",
            [segment_id],
        )
    return session.table("computed_segment_members")


def _close_event_loop() -> None:
    """dbt-duckdb opens an event loop for every Python model and leaves it open, which Python complains of at exit."""
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)
