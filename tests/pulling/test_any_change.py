"""Whatever changes, comes or goes while a vendor is read: after quiet pulls nothing is missing, and nobody was called gone who is there."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.pulling.streams import LISTINGS
from tests.pulling.conftest import Installation, rows_of
from tests.support.vendor_servers import LISTING, SECRET, Vendor, at

RECORDS = 60
# At which page what happens to which record.
happenings = st.lists(
    st.tuples(st.integers(1, 8), st.sampled_from(["touch", "hold", "remove"]), st.integers(0, RECORDS - 1)), max_size=10
)


def stir(vendor: Vendor, happenings: list[tuple[int, str, int]]) -> None:
    """Lets everything happen at its page, each once."""
    left = list(happenings)

    def after_page(pages: int) -> None:
        vendor.clock += 10
        for happening in [one for one in left if one[0] == pages]:
            left.remove(happening)
            _, act, number = happening
            is_there = any(row["id"].endswith(f"-{number:05d}") for row in vendor.rows[vendor.path])
            if act == "hold":
                vendor.hold(vendor.path, 1, first=RECORDS + 100 * pages + number)
                vendor.rows[vendor.path][-1][vendor.updated] = at(vendor.clock)
            elif is_there and act == "touch":
                vendor.touch(vendor.path, number, vendor.clock)
            elif is_there:
                vendor.remove(vendor.path, number)

    vendor.after_page = after_page


@pytest.mark.long
@pytest.mark.parametrize("code", LISTING)
@given(happenings=happenings)
@examples(max_examples=12)
def test_what_changes_while_one_reads_is_there_after_quiet_pulls(
    code: str, happenings: list[tuple[int, str, int]]
) -> None:
    vendor = LISTING[code]()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("VENDOR_SECRET", SECRET)
        patch.setitem(LISTINGS, (code, vendor.stream), replace(LISTINGS[code, vendor.stream], page_size=15))
        installation = Installation(Settings(data=Path(folder), options=Options()), stack)
        vendor.hold(vendor.path, RECORDS)
        installation.connect(code, vendor, vendor.stream)
        stir(vendor, happenings)
        installation.pull()
        first = {row["id"] for page in installation.pages(code, vendor.stream) for row in rows_of(page)}
        was_full = installation.is_full(code, vendor.stream)
        untouched = {f"{vendor.path}-{number:05d}" for number in range(RECORDS)} - {
            f"{vendor.path}-{number:05d}" for _, _, number in happenings
        }
        assert not was_full or untouched <= first
        vendor.after_page = lambda _: None
        installation.pull()
        landed = {(row["id"], row["name"]) for page in installation.pages(code, vendor.stream) for row in rows_of(page)}
        assert {(row["id"], row["name"]) for row in vendor.rows[vendor.path]} <= landed
