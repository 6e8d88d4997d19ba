"""Every golden case of every vendor: the rows of today are the rows written down."""

import pytest

from tests.support.goldens import Golden


def test_a_golden_case_gives_the_rows_written_down(golden: Golden, *, update_goldens: bool) -> None:
    if update_goldens:
        golden.update()
    expected = golden.expected()
    if expected is None:
        pytest.fail(
            f"{golden.expected_path.name} is missing: look at what `pytest tests/vendors --update-goldens` writes, and commit it"
        )
    assert golden.actual() == expected
