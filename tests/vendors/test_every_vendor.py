"""What holds for every vendor module, whoever wrote it: found by being in the folder."""

from pathlib import Path

import pytest

from orchestration.formats import format_of
from orchestration.mapping import Stream
from orchestration.tables import TABLES
from orchestration.vendors import discover
from tests.vendors.harness import goldens

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
STREAMS = [pytest.param(vendor.code, stream, id=f"{vendor.code}-{stream.name}") for vendor in discover().values() for stream in vendor.streams.values()]


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_the_dialects_of_a_stream_have_names_of_their_own(vendor: str, stream: Stream) -> None:
    names = [dialect.name for dialect in stream.dialects]
    assert len(set(names)) == len(names), vendor


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_what_tells_a_dialect_is_in_its_shape(vendor: str, stream: Stream) -> None:
    for dialect in stream.dialects:
        assert dialect.has <= dialect.shape.keys(), f"{vendor}: {dialect.name}"
        assert not dialect.lacks & dialect.shape.keys(), f"{vendor}: {dialect.name}"


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_every_mapped_column_exists(vendor: str, stream: Stream) -> None:
    for dialect in stream.dialects:
        for select in dialect.rows:
            unknown = select.columns.keys() - {column.name for column in TABLES[select.table].all_columns}
            assert not unknown, f"{vendor}: {dialect.name} fills {select.table}"


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_every_stream_has_a_sample(vendor: str, stream: Stream) -> None:
    files = [path for path in (SAMPLES / vendor / stream.name).rglob("*") if path.is_file() and format_of(path.name)[0]]
    assert files, f"data/samples/{vendor}/{stream.name}/<date>/ holds no export"


@pytest.mark.parametrize("vendor", sorted(discover()))
def test_every_stream_has_a_golden_case(vendor: str) -> None:
    covered = {case.stream for case in goldens() if case.vendor == vendor}
    assert covered >= discover()[vendor].streams.keys()
