"""`c360 withdraw`: what is taken out is seen by nobody any more."""

import duckdb
import pytest

from orchestration.cli import main
from orchestration.config.settings import Settings

SEEN = "select (select count(*) from marts.dim_customers), (select count(*) from marts.fct_orders)"


def seen(settings: Settings) -> tuple[int, int] | None:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return con.execute(SEEN).fetchone()


def test_of_all_that_was_ever_delivered_nothing_is_seen_once_it_is_withdrawn(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seen(published) == (2, 3)
    assert main.main(["withdraw", "landing/omnisend"]) == 0
    assert "0 customers, 0 orders" in capsys.readouterr().out
    assert seen(published) == (0, 0)
    assert main.main(["run"]) == 0
    assert "Nothing was published" in capsys.readouterr().out
    assert seen(published) == (0, 0)
