"""What a run that was cut off had rejected is reported by the next one, once."""

from pathlib import Path

import pytest

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.loading import unreported_rejects
from orchestration.loading.loader import Warehouse
from orchestration.warehouse import build_file, run_log
from tests.support.deliveries import land, order

REPORTED = [
    "landing/omnisend/events/2026-06-02/b.json was rejected whole (truncated_json); `c360 rejects` shows why.",
    "omnisend/events/2026-06-01: more than 1% of the rows were rejected; `c360 rejects` shows why.",
    "omnisend/events/2026-06-02: more than 1% of the rows were rejected; `c360 rejects` shows why.",
]


@pytest.mark.parametrize("failure", [None, "The disk is full."])
def test_what_no_run_has_reported_is_reported_once(tmp_path: Path, failure: str | None) -> None:
    settings = Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0))
    land(settings, "2026-06-01", "a.ndjson", order(1, "anna"), "no json")
    land(settings, "2026-06-02", "b.json", "[{")
    land(settings, "2026-06-03", "c.ndjson", order(2, "ben"))
    with build_file.connect(settings) as con:
        run_log.begin(con, "cut off", "c360 run")
        Warehouse(settings).ingest(con, landing_zone.scan(settings).files, run_id="cut off")
        if failure:
            run_log.end(con, "cut off", failure=failure)
        assert list(unreported_rejects.look(con, settings, "cut off")) == []
        run_log.begin(con, "next", "c360 run")
        assert list(unreported_rejects.look(con, settings, "next")) == REPORTED
        run_log.end(con, "next")
        run_log.begin(con, "last", "c360 run")
        assert list(unreported_rejects.look(con, settings, "last")) == []
