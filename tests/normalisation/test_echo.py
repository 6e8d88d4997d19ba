"""What was given back comes back in the next export: values and tags of ours say nothing, and make no newer version."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestration.landing.record import Record
from orchestration.normalisation.classifier import Bounds
from orchestration.normalisation.decoder import Decoder
from orchestration.vendors import discover
from tests.support.installation import PROJECT, Installation

OURS = {"c360_revenue": 99.17, "c360_seg_vip": True, "c360_stage": "active"}
RECORDS = {
    "optimizely": (
        "profiles",
        {"identifiers": {"customer_id": "1001"}, "attributes": {"first_name": "Ana"}},
        {"attributes": OURS},
    ),
    "ometria": (
        "contacts",
        {"@type": "contact", "@collection": "shop", "id": "1", "email": "ana@example.com", "properties": {"size": "m"}},
        {"properties": OURS},
    ),
    "open_delivery": (
        "customers",
        {"identifier": {"type": "phone", "value": "+5511999990005"}, "metadata": {"customTags": ["vip"]}},
        {"metadata": {"c360": OURS}},
    ),
    "voucherify": (
        "customers",
        {"id": "cust_1", "object": "customer", "source_id": "1001", "metadata": {"size": "m"}},
        {"metadata": OURS},
    ),
    "omnisend": (
        "contacts",
        {"contactID": "c1", "email": "ana@example.com", "tags": ["fern lover"], "customProperties": {"size": "m"}},
        {"customProperties": OURS},
    ),
}


def decoded(vendor: str, stream: str, record: dict[str, Any]) -> tuple[list[Any], int, list[str], dict[Any, int]]:
    decoder = Decoder(discover()[vendor], stream, Bounds())
    document = json.dumps(record).encode()
    batch = decoder.decode([Record(1, document, document)])
    assert not batch.rejects
    return (
        [found.frame.to_dicts() for found in batch.decoded],
        batch.duplicates,
        [issue.field for issue in batch.issues],
        dict(decoder.drift),
    )


def merged(record: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**record, **{key: {**record.get(key, {}), **inner} for key, inner in more.items()}}


@pytest.mark.parametrize("vendor", sorted(RECORDS))
def test_a_record_with_values_of_ours_is_read_like_the_one_without_them(vendor: str) -> None:
    stream, record, more = RECORDS[vendor]
    assert decoded(vendor, stream, merged(record, more)) == decoded(vendor, stream, record)


def test_tags_of_ours_are_no_claims() -> None:
    stream, record, _ = RECORDS["omnisend"]
    assert decoded("omnisend", stream, {**record, "tags": ["c360_vip", "fern lover"]}) == decoded(
        "omnisend", stream, record
    )


def test_tags_of_ours_in_one_cell_of_a_table_are_no_claims() -> None:
    row = {"Email": "ana@example.com", "Tags": "fern lover"}
    assert decoded("omnisend", "contacts", {**row, "Tags": "c360_vip,fern lover", "c360_stage": "active"}) == decoded(
        "omnisend", "contacts", row
    )


def test_a_contact_of_our_own_collection_is_logged_as_reported_before() -> None:
    echo = {"@type": "contact", "@collection": "c360", "id": "alias", "email": "ana@example.com", "properties": OURS}
    frames, duplicates, issues, drift = decoded("ometria", "contacts", echo)
    assert (frames, duplicates, issues, drift) == ([], 1, [], {})


def test_a_value_that_only_mentions_us_stays() -> None:
    stream, record, _ = RECORDS["voucherify"]
    frames, *_ = decoded("voucherify", stream, {**record, "name": "c360_ is a name", "description": "c360"})
    assert "c360_ is a name" in json.dumps(frames, default=str)


def test_numbers_beside_values_of_ours_stay_exact() -> None:
    stream, record, more = RECORDS["voucherify"]
    long = {**record, "metadata": {"size": 12345678901234567890, "price": 0.1}}
    assert decoded("voucherify", stream, merged(long, more)) == decoded("voucherify", stream, long)


# Of each vendor the newest delivery of the samples that is a list of people, and where values of ours stand in a record of it.
LAST = {
    "optimizely/profiles": ("2026-03-02/profiles.json", "attributes"),
    "ometria/contacts": ("2026-03-03/contacts.ndjson.gz", "properties"),
    "open_delivery/customers": ("2026-03-04/customers_page_1.json", "metadata"),
    "voucherify/customers": ("2026-03-01/customers_page_2.json", "metadata"),
    "omnisend/contacts": ("2026-03-03/contacts.ndjson.gz", "customProperties"),
}


@pytest.mark.slow
def test_our_own_output_landed_the_next_day_changes_nothing(tmp_path: Path) -> None:
    """Two installations are delivered the same export date again; in one of them every record holds what was given back
    for it."""
    plain, echoed = Installation(tmp_path / "plain"), Installation(tmp_path / "echoed")
    for installation in (plain, echoed):
        shutil.copytree(PROJECT / "data" / "samples", installation.data / "landing")
        for stream, (name, place) in LAST.items():
            day_after(installation, stream, name, place, OURS if installation is echoed else {})
    assert plain.c360("run").exit_code in (0, 3)
    plain.configure("activation.toml", '[targets.ometria]\nvendor = "ometria"\npurpose = "service"\n')
    assert plain.c360("activate", "--yes").exit_code == 0
    [body] = plain.data.glob("activation/ometria/default/*/upsert-*.json")
    echoed.land("ometria/contacts", "2026-03-05", "ours.json", body.read_bytes())
    assert echoed.c360("run").exit_code in (0, 3)
    assert echoed.contents("marts") == plain.contents("marts")
    assert echoed.value("select count(*) from meta.schema_drift where field like '%c360%'") == 0
    assert echoed.row("select rows_loaded, rows_duplicate > 0 from meta.loads where file_path like '%ours.json'") == (
        0,
        True,
    )


def day_after(installation: Installation, stream: str, name: str, place: str, ours: dict[str, Any]) -> None:
    content = (PROJECT / "data" / "samples" / stream / name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    installation.land(
        stream,
        "2026-03-05",
        "again.ndjson",
        *({**found, place: {**(found.get(place) or {}), **ours}} for found in people(text)),
    )


def people(text: str) -> list[dict[str, Any]]:
    """The records of a page, a list, or lines."""
    try:
        page = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return (
        page
        if isinstance(page, list)
        else next((inner for inner in page.values() if isinstance(inner, list) and isinstance(inner[0], dict)), [page])
    )
