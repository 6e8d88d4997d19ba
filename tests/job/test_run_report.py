"""What a run says of the files it looked at."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.job.run_report import Ingestion
from orchestration.landing.landing_zone import LandedFile
from orchestration.loading.loader import FileOutcome


def outcome(read: int, rejected: int, *, stream: str = "orders", erased: int = 0) -> FileOutcome:
    path = f"omnisend/{stream}/2026-03-01/{read}.ndjson"
    file = LandedFile(date(2026, 3, 1), "omnisend", stream, path, Path(path), 1, 0, is_full=False)
    loaded = read - rejected
    return FileOutcome(file, "loaded", read, loaded, rejected, rows_duplicate=0, rows_erased=erased)


@pytest.mark.parametrize(
    ("outcomes", "above"),
    [
        ([outcome(100, 10)], []),
        ([outcome(100, 11)], ["omnisend/orders/2026-03-01"]),
        ([outcome(100, 11), outcome(900, 0)], []),
        ([outcome(100, 11, erased=11)], []),
        ([outcome(0, 0), outcome(2, 1, stream="events")], ["omnisend/events/2026-03-01"]),
    ],
    ids=[
        "at the limit",
        "above it",
        "files of a delivery count together",
        "what was rejected as of an erased person does not count",
        "each delivery for itself",
    ],
)
def test_a_delivery_of_which_too_much_was_rejected_is_named(outcomes: list[FileOutcome], above: list[str]) -> None:
    assert Ingestion(tuple(outcomes), ()).deliveries_above(0.1) == above
