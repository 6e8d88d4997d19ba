"""Files and records: what is read, loaded, rejected and counted."""

import gzip
import hashlib
import json

import duckdb
import pytest

from tests.support.installation import EXPORT_DATES, Installation, Outcome

pytestmark = pytest.mark.long

BAD_LINE = b'{"eventName": "placed order",\t "contact": {"email": "l.bad@example.com"}  BROKEN \xc3\xa9}'
FORMATS = (
    "ndjson",
    "jsonl",
    "array.json",
    "single.json",
    "envelope.json",
    "csv",
    "ndjson.gz",
    "json.gz",
    "ndjson.zst",
    "parquet",
    "csv.gz",
)
WHOLE = {
    "cut.json": b'[{"eventName": "placed order", "contact": {"email": "l@example.com"}}, {"eve',
    "cut.ndjson.gz": gzip.compress(b'{"eventName": "x"}\n' * 50)[:30],
    "binary.parquet": b"\x00\x01\x02",
}


def event(number: int, **more: object) -> dict[str, object]:
    return {
        "eventName": "viewed product",
        "eventID": f"l-{number}",
        "eventTime": "2026-02-20T10:00:00Z",
        "contact": {"email": f"l.person{number}@example.com"},
        "properties": {"productID": "x"},
        **more,
    }


def packed(name: str, record_id: str) -> bytes:
    record = {"contactID": record_id, "email": f"{record_id}@example.com", "firstName": "Form"}
    line = (json.dumps(record) + "\n").encode()
    content = {
        "array": json.dumps([record], indent=1).encode(),
        "single": json.dumps(record).encode(),
        "envelope": json.dumps({"contacts": [record], "paging": {"next": None}}).encode(),
        "json": json.dumps([record]).encode(),
        "csv": f"Email,First name\n{record_id}@example.com,Form\n".encode(),
    }.get(name.split(".")[0], line)
    if name.endswith(".gz"):
        return gzip.compress(content)
    return content


def land(installation: Installation) -> None:
    export_date = EXPORT_DATES[1]
    installation.land(
        "omnisend/events",
        export_date,
        "l_lines.ndjson",
        event(1),
        b"\n",
        BAD_LINE + b"\n",
        b"   \n",
        event(2),
        event(2),
        event(3, undocumentedThing={"a": 1}),
        b"[1,2]\n",
    )
    installation.land("omnisend/events", EXPORT_DATES[0], "l_double.ndjson", event(10))
    installation.land("omnisend/events", EXPORT_DATES[0], "l_double_again.ndjson", event(10))
    installation.land("omnisend/events", EXPORT_DATES[1], "l_double_next_night.ndjson", event(10))
    installation.land("omnisend/events", EXPORT_DATES[0], "l_same_event_in_another_file.ndjson", event(10), event(11))
    for name, content in WHOLE.items():
        installation.land("omnisend/events", EXPORT_DATES[2], f"l_{name}", content)
    installation.land("omnisend/events", EXPORT_DATES[2], "l_empty.ndjson", b"")
    for name in ("l_still.ndjson.tmp", "l_still.ndjson.part", "complete.json"):
        installation.land("omnisend/events", EXPORT_DATES[2], name, event(99))
    for name in FORMATS:
        record_id = "l-form-" + name.replace(".", "-")
        target = installation.land(
            "omnisend/contacts",
            EXPORT_DATES[2],
            f"form-{FORMATS.index(name)}.{name.removeprefix('array.').removeprefix('single.').removeprefix('envelope.')}",
            packed(name, record_id),
        )
        if name.endswith((".zst", "parquet")):
            _write_with_duckdb(str(target), record_id)
    installation.land(
        "omnisend/contacts",
        EXPORT_DATES[1],
        "l_repairs.ndjson",
        {
            "contactID": "l-repair",
            "email": "  L.Repair@Example.com  ",
            "birthdate": "not a date",
            "firstName": "Rep ",
            "phone": "+4915123450123",
        },
    )


def _write_with_duckdb(path: str, record_id: str) -> None:
    kind = "parquet" if path.endswith("parquet") else "json, compression zstd"
    duckdb.sql(
        f"copy (select '{record_id}' as \"contactID\", '{record_id}@example.com' as email, 'Form' as \"firstName\") to '{path}' (format {kind})"
    )


def logged(world: Installation, name: str) -> tuple[object, ...]:
    return world.row(
        "select rows_read, rows_loaded, rows_rejected, rows_duplicate, status from meta.loads where file_path like '%/' || ?",
        name,
    )


def test_the_law_of_accounting_holds_for_every_file(world: Installation) -> None:
    assert world.rows("select * from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate") == []
    assert set(world.column("select distinct status from meta.loads")) <= {
        "loaded",
        "duplicate",
        "rejected",
        "superseded",
    }


def test_the_last_line_of_a_run_is_its_figures(world_run: tuple[Installation, Outcome]) -> None:
    world, outcome = world_run
    figures = outcome.figures
    assert {
        "files",
        "rows_read",
        "rows_loaded",
        "rows_rejected",
        "rows_duplicate",
        "customers",
        "orders",
        "published",
        "duration_s",
    } <= set(figures)
    assert outcome.exit_code == 3
    assert figures["published"] is True
    assert (
        figures["files"],
        figures["rows_read"],
        figures["rows_loaded"],
        figures["rows_rejected"],
        figures["rows_duplicate"],
    ) == world.row(
        "select count(*), sum(rows_read), sum(rows_loaded), sum(rows_rejected), sum(rows_duplicate) from meta.loads"
    )
    assert figures["customers"] == world.value("select count(*) from marts.dim_customers")
    assert figures["orders"] == world.value("select count(*) from marts.fct_orders")


def test_every_file_is_known_by_its_content(world: Installation) -> None:
    for path, digest, relative in world.rows(
        "select file_path, file_sha256, file_path like 'landing/%' from meta.loads"
    ):
        assert relative
        assert hashlib.sha256((world.data / path).read_bytes()).hexdigest() == digest


def test_blank_lines_are_no_records_and_bad_ones_are_counted(world: Installation) -> None:
    assert logged(world, "l_lines.ndjson") == (6, 3, 2, 1, "loaded")


def test_a_rejected_record_is_kept_byte_for_byte(world: Installation) -> None:
    rejects = world.rows(
        "select row_number, reason_code, raw, source, stream, cast(export_date as varchar), file_path from meta.rejects where file_path like '%l_lines.ndjson' order by 1"
    )
    assert [(row, raw) for row, _, raw, *_ in rejects] == [(2, BAD_LINE.decode()), (6, "[1,2]")]
    assert rejects[0][3:] == ("omnisend", "events", "2026-03-02", "landing/omnisend/events/2026-03-02/l_lines.ndjson")
    assert all(reason.replace("_", "a").isalpha() and reason.islower() for _, reason, *_ in rejects)


def test_an_unknown_field_survives_and_is_counted(world: Installation) -> None:
    [extra] = world.column("select extra from staging.events where event_id = 'l-3'")
    assert json.loads(extra)["undocumentedThing"] == {"a": 1}
    assert (
        world.value(
            "select count(*) from meta.schema_drift where source = 'omnisend' and field like 'undocumentedThing%'"
        )
        >= 1
    )


def test_the_same_content_on_one_export_date_is_a_duplicate(world: Installation) -> None:
    first, second = sorted(
        [logged(world, "l_double.ndjson"), logged(world, "l_double_again.ndjson")], key=str, reverse=True
    )
    assert {first, second} == {(1, 1, 0, 0, "loaded"), (1, 0, 0, 1, "duplicate")}


def test_an_event_already_loaded_is_a_duplicate_in_another_file_too(world: Installation) -> None:
    assert logged(world, "l_same_event_in_another_file.ndjson")[:4] == (2, 1, 0, 1)
    assert world.value("select count(*) from marts.fct_events where event_id like '%l-10'") == 1


@pytest.mark.parametrize("name", WHOLE)
def test_a_broken_container_is_rejected_whole(world: Installation, name: str) -> None:
    assert logged(world, f"l_{name}") == (1, 0, 1, 0, "rejected")


def test_a_file_of_no_bytes_is_an_empty_delivery(world: Installation) -> None:
    assert logged(world, "l_empty.ndjson") == (0, 0, 0, 0, "loaded")


def test_a_file_that_is_being_written_is_no_data(world: Installation) -> None:
    assert (
        world.rows("select * from meta.loads where file_path like '%l_still%' or file_path like '%complete.json'") == []
    )
    assert world.rows("select * from marts.fct_events where event_id like '%l-99'") == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_loads(world: Installation, name: str) -> None:
    assert (
        world.value(
            "select count(*) from marts.bridge_customer_identifiers where identifier_value = ?",
            f"l-form-{name.replace('.', '-')}@example.com",
        )
        == 1
    )


def test_a_value_that_does_not_parse_is_null_and_logged(world: Installation) -> None:
    assert world.row(
        "select birth_date, first_name, email from marts.dim_customers where customer_id = ?",
        world.customer_of("omnisend", "l-repair"),
    ) == (
        None,
        "Rep",
        "l.repair@example.com",
    )
    issues = world.rows(
        "select field, value_given from meta.field_issues where file_path like '%l_repairs.ndjson' and field = 'birth_date' or value_given = 'not a date'"
    )
    assert [value for _, value in issues] == ["not a date"]


def test_what_landed_is_never_touched(world: Installation) -> None:
    assert (world.data / "landing" / "omnisend" / "events" / EXPORT_DATES[1] / "l_lines.ndjson").read_bytes().count(
        b"\n"
    ) == 8


def test_no_personal_data_reach_the_terminal_or_the_logs(world_run: tuple[Installation, Outcome]) -> None:
    world, outcome = world_run
    values = world.column(
        "select distinct identifier_value from marts.bridge_customer_identifiers where identifier_type in ('email', 'phone', 'document') and length(identifier_value) > 7 "
        "union select distinct full_name from marts.dim_customers where length(full_name) > 7"
    )
    texts = {"terminal": outcome.said}
    for path in (world.data / "internal").rglob("*"):
        if path.is_file() and path.suffix not in (".duckdb", ".parquet"):
            texts[str(path.relative_to(world.data))] = path.read_text(encoding="utf-8", errors="replace")
    assert {(place, value) for place, text in texts.items() for value in values if value in text} == set()


def test_the_terminal_stays_clean(world_run: tuple[Installation, Outcome]) -> None:
    assert "nanobind" not in world_run[1].said
    assert "Traceback" not in world_run[1].said
