"""Every golden case of every vendor: the rows of today are the rows written down."""

import pytest

from tests.support.goldens import Golden, goldens


def test_a_golden_case_gives_the_rows_written_down(golden: Golden, *, update_goldens: bool) -> None:
    if update_goldens:
        golden.update()
    expected = golden.expected()
    if expected is None:
        pytest.fail(
            f"{golden.expected_path.name} is missing: look at what `pytest tests/vendors --update-goldens` writes, and commit it"
        )
    assert golden.actual() == expected


def test_every_figure_that_a_vendor_reports_of_a_person_says_what_it_is() -> None:
    figures = [
        (golden.path.stem, row["metric"], row.get("unit"))
        for golden in goldens()
        for row in (golden.expected() or {}).get("tables", {}).get("vendor_stats", [])
    ]
    assert len(figures) > 50
    assert [figure for figure in figures if (figure[2] is None) != (figure[1] == "engagement_score")] == []
