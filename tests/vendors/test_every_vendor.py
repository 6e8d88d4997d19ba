"""What holds for every vendor module, whoever wrote it: found by being in the folder."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from orchestration.canonical.tables import TABLES
from orchestration.docgen import dictionary
from orchestration.landing.formats import format_of
from orchestration.mapping.model import Stream
from orchestration.mapping.record_schema import Leaf, Open, Pairs
from orchestration.vendors import discover
from tests.support.goldens import goldens, normalise
from tests.support.paths import PROJECT, SAMPLES

STREAMS = [
    pytest.param(vendor.code, stream, id=f"{vendor.code}-{stream.name}")
    for vendor in discover().values()
    for stream in vendor.streams.values()
]


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_the_dialects_of_a_stream_have_names_of_their_own(vendor: str, stream: Stream) -> None:
    names = [dialect.name for dialect in stream.dialects]
    assert len(set(names)) == len(names), vendor


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_what_marks_a_dialect_is_in_its_shape(vendor: str, stream: Stream) -> None:
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
def test_what_an_open_object_holds_is_stored(vendor: str, stream: Stream) -> None:
    for dialect in stream.dialects:
        read = frozenset().union(*(select.reads for select in dialect.rows))
        lost = {path for path in open_objects(dialect.shape) if f"raw:{path}" not in read}
        assert not lost, f"{vendor}: {dialect.name}"


def open_objects(shape: object, path: str = "") -> Iterator[str]:
    """Paths of the objects in a shape that may hold anything."""
    if isinstance(shape, Open):
        yield path
    elif isinstance(shape, dict):
        for key, inner in shape.items():
            yield from open_objects(inner, f"{path}.{key}" if path else key)


@pytest.mark.parametrize(("vendor", "stream"), STREAMS)
def test_every_stream_has_a_sample(vendor: str, stream: Stream) -> None:
    files = [path for path in (SAMPLES / vendor / stream.name).rglob("*") if path.is_file() and format_of(path.name)[0]]
    assert files, f"data/samples/{vendor}/{stream.name}/<date>/ holds no export"


@pytest.mark.parametrize("vendor", sorted(discover()))
def test_a_vendor_says_in_words_what_its_amounts_are_in(vendor: str) -> None:
    assert discover()[vendor].money


@pytest.mark.parametrize("vendor", sorted(discover()))
def test_every_stream_has_a_golden_case(vendor: str) -> None:
    covered = {case.stream for case in goldens() if case.vendor == vendor}
    assert covered >= discover()[vendor].streams.keys()


def order_of(vendor: str, money: object, moment: object) -> dict[str, object]:
    """An order in the vendor's words."""
    return {
        "ometria": {"@type": "order", "id": "1", "currency": "EUR", "grand_total": money, "timestamp": moment},
        "omnisend": {"orderID": "1", "currency": "EUR", "orderSum": money, "createdAt": moment},
        "voucherify": {"object": "order", "id": "1", "total_amount": money, "created_at": moment},
        "optimizely": {"order_id": "1", "action": "purchase", "total": money, "ts": moment},
        "open_delivery": {
            "id": "1",
            "lastEvent": "CONCLUDED",
            "items": [],
            "total": {"orderAmount": {"value": money}},
            "createdAt": moment,
            "customer": {"id": "c"},
        },
    }[vendor]


@pytest.mark.parametrize("vendor", sorted(discover()))
@pytest.mark.parametrize("wrong", [{"$of": "10"}, ["10"]], ids=["object", "list"])
def test_an_order_with_money_or_time_of_another_kind_is_rejected(vendor: str, wrong: object) -> None:
    moment = "2026-02-10T10:00:00Z"
    orders = [order_of(vendor, 1000, moment), order_of(vendor, wrong, moment), order_of(vendor, 1000, wrong)]
    assert [(row, reason) for row, reason, _ in normalise(vendor, "orders", orders).rejects] == [
        (2, "bad_money"),
        (3, "bad_time"),
    ]


@pytest.mark.parametrize("table", ["customers", "contacts"])
def test_a_phone_number_makes_one_key_and_one_identifier_by_one_region(table: str) -> None:
    outcome = {
        "customers": normalise(
            "omnisend", "contacts", [{"phone": "0171 2748305", "createdAt": "2026-01-01T00:00:00Z"}], phone_region="DE"
        ),
        "contacts": normalise(
            "ometria",
            "orders",
            [{"@type": "order", "id": "1", "customer": {"phone_number": "0171 2748305"}}],
            phone_region="DE",
        ),
    }[table]
    assert outcome.row(table)["source_record_id"].startswith(
        {"customers": "phone:+491712748305", "contacts": "derived:"}[table]
    )
    assert outcome.row("customer_identifiers")["id_value"] == "+491712748305"


def _respelled(value: Any) -> Any:
    """The value with the keys of its objects the other way round, and whole numbers as fractions."""
    if isinstance(value, dict):
        return {key: _respelled(inner) for key, inner in reversed(value.items())}
    if isinstance(value, list):
        return [_respelled(inner) for inner in value]
    return float(value) if type(value) is int and abs(value) < 10**12 else value


@pytest.mark.long
@pytest.mark.parametrize("vendor", discover())
def test_neither_the_order_of_keys_nor_the_spelling_of_numbers_makes_another_record(vendor: str) -> None:
    for case in (json.loads(one.path.read_bytes()) for one in goldens() if one.vendor == vendor):
        records = case.get("records", [])
        once = normalise(vendor, case["stream"], records).normalised
        twice = normalise(vendor, case["stream"], [*records, *map(_respelled, records)]).normalised
        assert twice.rows_loaded == once.rows_loaded, case["stream"]


@pytest.mark.long
@pytest.mark.parametrize("vendor", discover())
def test_neither_the_order_of_keys_nor_the_spelling_of_numbers_makes_other_rows(vendor: str) -> None:
    for case in (json.loads(one.path.read_bytes()) for one in goldens() if one.vendor == vendor):
        records = case.get("records", [])
        given = normalise(vendor, case["stream"], records)
        respelled = normalise(vendor, case["stream"], [*map(_respelled, records)])
        for table in given.normalised.frames:
            assert respelled.rows(table) == given.rows(table), (case["stream"], table)


@pytest.mark.parametrize(
    ("word", "channel"),
    [("e-mail", "email"), ("E_Mail", "email"), ("Web Push", "push"), ("text message", "sms"), ("direct-mail", "post")],
)
def test_a_no_to_a_channel_is_one_however_the_channel_is_spelt(word: str, channel: str) -> None:
    refusal = {"channel": word, "status": "unsubscribed", "date": "2026-01-01T00:00:00Z"}
    heard = {
        "omnisend": ("contacts", {"contactID": "c", "createdAt": "2026-01-01T00:00:00Z", "statuses": [refusal]}),
        "open_delivery": (
            "customers",
            {"id": "c", "consents": [{"channel": word, "purpose": "marketing", "status": "revoked"}]},
        ),
    }
    for vendor, (stream, record) in heard.items():
        row = normalise(vendor, stream, [record]).row("customer_consents")
        assert (row["channel"], row["status"]) == (channel, "opt_out"), vendor


def _filled(shape: Any, words: Iterator[str]) -> Any:
    """A record of the shape with a value in every place that can be read as nothing but text."""
    if isinstance(shape, Leaf):
        return next(words)
    if isinstance(shape, Pairs):
        return {"some key": _filled(shape.value, words)}
    if isinstance(shape, list):
        return [_filled(shape[0], words)]
    known = shape.known if isinstance(shape, Open) else shape
    return {name.replace(".*", ".x"): _filled(inner, words) for name, inner in known.items()}


@pytest.mark.long
@pytest.mark.parametrize("word", ["1 00{},5", "31/31/19{}"])
@pytest.mark.parametrize("vendor", discover())
def test_an_issue_names_its_field_and_the_value_as_delivered(vendor: str, word: str) -> None:
    for stream in discover()[vendor].streams.values():
        for dialect in stream.dialects:
            words = [word.format(number) for number in range(10, 1000)]
            outcome = normalise(vendor, stream.name, [_filled(dialect.shape, iter(words))])
            assert all(field for field, _, _ in outcome.issues)
            # An entry of an object with open keys is identified by its key, a joined value by its parts.
            assert {
                given for _, _, given in outcome.issues if not any(one in given for one in (*words, "some key"))
            } == set()
            whole = {
                given
                for field, code, given in outcome.issues
                if code in ("unparseable", "implausible_time") and ": " not in given
            }
            assert whole <= {*words, "some key"}


# A contact of each vendor under the word, beside what it is known by without it.
PEOPLE: dict[tuple[str, str], Any] = {
    ("omnisend", "contacts"): lambda word, email: {"contactID": word, "email": email},
    ("ometria", "contacts"): lambda word, email: {"@type": "contact", "@collection": "crm", "id": word, "email": email},
    ("ometria", "profiles"): lambda word, email: {"@type": "profile", "id": word, "email": email},
    ("voucherify", "customers"): lambda word, email: {"object": "customer", "id": word, "email": email},
    ("open_delivery", "customers"): lambda word, email: {
        "id": word,
        "identifier": {"type": "email", "value": email},
        "consents": [],
    },
    ("optimizely", "customers"): lambda word, email: {"customer_id": word, "email": email},
}
ORDERS: dict[tuple[str, str], Any] = {
    ("omnisend", "orders"): lambda word, number: {
        "orderID": f"o-{number}",
        "orderNumber": word,
        "contactID": word,
        "email": "a@mailbox.test",
        "orderSum": 100,
        "createdAt": "2026-02-01T00:00:00Z",
    },
    ("ometria", "orders"): lambda word, number: {
        "@type": "order",
        "id": f"o-{number}",
        "increment_id": word,
        "grand_total": 1,
        "timestamp": "2026-02-01T00:00:00Z",
        "customer": {"id": word},
    },
    ("voucherify", "orders"): lambda word, number: {
        "object": "order",
        "id": f"o-{number}",
        "source_id": word,
        "customer_id": word,
        "amount": 100,
        "created_at": "2026-02-01T00:00:00Z",
    },
}


@pytest.mark.parametrize("word", ["null", "0", "None", " NULL ", "n/a", "undefined", "00"])
@pytest.mark.parametrize("feed", PEOPLE, ids="-".join)
def test_a_word_for_no_id_makes_no_record_of_many_people(feed: tuple[str, str], word: str) -> None:
    outcome = normalise(*feed, [PEOPLE[feed](word, f"{name}@mailbox.test") for name in ("ann", "ben")])
    assert outcome.rejects == []
    assert len({row["source_record_id"] for row in outcome.rows("customers")}) == 2


@pytest.mark.parametrize("word", ["null", "0", "-", "nan", "#", "#0", "000"])
@pytest.mark.parametrize("feed", ORDERS, ids="-".join)
def test_a_word_for_no_number_makes_no_one_order_of_many(feed: tuple[str, str], word: str) -> None:
    outcome = normalise(*feed, [ORDERS[feed](word, number) for number in (1, 2)])
    assert [row["order_match_key"] for row in outcome.rows("orders")] == ["O-1", "O-2"]


@pytest.mark.parametrize("feed", ORDERS, ids="-".join)
def test_an_order_whose_customer_is_a_word_for_nobody_is_a_guests(feed: tuple[str, str]) -> None:
    outcome = normalise(*feed, [ORDERS[feed]("null", 1)])
    assert outcome.row("orders")["is_guest"] is True


def test_the_page_on_the_data_folder_names_every_stream() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.*) \|$", (PROJECT / "data" / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {code: re.findall(r"`(\w+)`", streams) for code, streams in rows} == {
        code: list(vendor.streams) for code, vendor in discover().items()
    }


def test_a_column_that_no_vendor_fills_says_so_here_and_in_the_marts() -> None:
    """Whoever finds it null everywhere looks for no mistake; the first vendor that fills it takes the sentence out."""
    filled = {
        (rows.table, column)
        for vendor in discover().values()
        for stream in vendor.streams.values()
        for dialect in stream.dialects
        for rows in dialect.rows
        for column in rows.columns
    }
    silent = {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        if "No vendor delivers it so far." in column.description
    }
    marts = {
        (model["name"], column["name"])
        for model in dictionary.models(PROJECT / "dbt_project", "marts")
        for column in model["columns"]
        if "No vendor delivers it so far." in column["description"]
    }
    assert silent & filled == set()
    assert {column for _, column in marts} <= {column for _, column in silent}
    assert {("dim_customers", "language"), ("fct_events", "received_at"), ("fct_reviews", "title")} <= marts
