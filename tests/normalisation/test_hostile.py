"""Input that means harm, or merely comes from the wild: logged, explained, bounded, and nothing else suffers.

A vendor made up here has a field of every kind, so that what is hostile meets every path of the normaliser; the real
vendors meet records of their own shapes filled with junk. What holds always: read = loaded + rejected + duplicate.
"""

import gzip
import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.canonical.reason_codes import FILE_REASONS, ISSUE_CODES, RECORD_REASONS
from orchestration.config.settings import Settings
from orchestration.landing import formats
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.mapping.expressions import at, filled, first_given, item, item_raw, lookup, pairs, parent, raw
from orchestration.mapping.expressions import given as is_given
from orchestration.mapping.model import Vendor, dialect, stream, vendor
from orchestration.mapping.record_schema import EXTRA, FLAG, JSON, NUMBER, SCALAR, TEXT, Leaf, Open, Pairs, drop
from orchestration.mapping.selects import Contact, Identifier, Profile, rows
from orchestration.mapping.values import Amount, Typed, absolute
from orchestration.mapping.values import time as time_of
from orchestration.normalisation.classifier import Bounds
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normalised, Normaliser
from orchestration.vendors import discover

# -- a vendor with a field of every kind ---------------------------------------------------------------------------------

PROFILE = {
    "id": TEXT,
    "email": TEXT,
    "phone": TEXT,
    "name": TEXT,
    "born": TEXT,
    "created": SCALAR,
    "is_gone": FLAG,
    "country": TEXT,
    "gender": TEXT,
    "revenue": NUMBER,
    "open": JSON,
    "kept": EXTRA,
    "secret": drop("a secret of the test"),
    "address": {"city": TEXT, "street": {"name": TEXT, "kept": EXTRA}},
    "tags": [TEXT],
    "documents": [{"kind": TEXT, "number": TEXT, "kept": EXTRA}],
    "programmes": Pairs({"points": NUMBER, "since": TEXT}),
}
ORDER = {
    "order": TEXT,
    "customer": {"id": TEXT, "email": TEXT, "phone": TEXT, "name": TEXT},
    "placed": TEXT,
    "currency": TEXT,
    "total": NUMBER,
    "status": TEXT,
    "lines": [
        {
            "sku": TEXT,
            "quantity": NUMBER,
            "price": NUMBER,
            "raw": JSON,
            "kept": EXTRA,
            "options": [{"sku": TEXT, "price": NUMBER}],
        }
    ],
    "data": Open({"inner": {"number": NUMBER, "flag": FLAG}, "items": [{"price": NUMBER}]}),
}
HOSTILE = vendor(
    "hostile",
    "Hostile",
    stream(
        "profiles",
        "Profiles with a field of every kind.",
        dialect(
            "hostile.profile",
            "profile",
            PROFILE,
            rows(
                "customers",
                full_name=at("name"),
                birth_date=at("born"),
                created_at=time_of(at("created"), formats=("epoch_s", "iso", "iso_date", "%m/%d/%Y")),
                is_deleted=at("is_gone"),
                country_raw=at("country"),
                gender_raw=at("gender"),
                city=at("address.city"),
                address_line_1=at("address.street.name"),
                attributes=raw("open"),
            ),
            rows(
                "vendor_stats",
                where=is_given(at("revenue")),
                metric=pl.lit("total_revenue"),
                value_num=Amount(at("revenue"), "minor"),
                definition_id=pl.lit("revenue"),
            ),
            rows(
                "loyalty_accounts",
                each=pairs("programmes"),
                account_id=item("key"),
                balance=item("value.points"),
                expires_at=time_of(item("value.since")),
            ),
            rows(
                "segment_memberships",
                each="tags",
                segment_id=item(),
                kind=pl.lit("tag"),
                state=pl.lit("member"),
                observed_at=time_of(else_export_date=True),
            ),
            rows(
                "segment_memberships",
                where=at("tags").is_not_null() & ~filled(at("tags")),
                kind=pl.lit("tag"),
                state=pl.lit("none"),
            ),
            about=Profile(
                record_id=first_given(at("id"), at("email")),
                identifiers=(
                    Identifier("profile_id", at("id"), "id"),
                    Identifier("email", at("email"), "email"),
                    Identifier("phone", at("phone"), "phone", region=at("country")),
                    Identifier(
                        lookup(item("kind"), {"cpf": "document"}, "custom"),
                        item("number"),
                        "documents[].number",
                        each="documents",
                        namespace=item("kind"),
                    ),
                ),
            ),
            has=("id",),
            lacks=("order",),
        ),
    ),
    stream(
        "orders",
        "Orders with lists in lists.",
        dialect(
            "hostile.order",
            "order",
            ORDER,
            rows(
                "orders",
                source_order_id=at("order"),
                ordered_at=time_of(at("placed"), else_export_date=True),
                currency=at("currency"),
                total=at("total"),
                refunded_total=absolute(at("total"), "minor"),
                status=lookup(at("status"), {"paid": "paid"}, "unknown"),
                attributes=raw("data"),
            ),
            rows(
                "order_lines",
                each="lines",
                amounts="minor",
                source_order_id=at("order"),
                line_no=Typed(pl.col("position")),
                sku=item("sku"),
                quantity=item("quantity"),
                unit_price=item("price"),
                title=item_raw("raw"),
                currency=at("currency"),
            ),
            rows(
                "order_lines",
                each=("lines", "options"),
                source_order_id=at("order"),
                sku=item("sku"),
                unit_price=item("price"),
                title=parent("sku"),
            ),
            rows("order_payments", each="data.items", source_order_id=at("order"), value=item("price")),
            about=Contact(
                identifiers=(
                    Identifier("profile_id", at("customer.id"), "customer.id"),
                    Identifier("email", at("customer.email"), "customer.email"),
                    Identifier("phone", at("customer.phone"), "customer.phone"),
                ),
                profile_id=at("customer.id"),
                attributes={"full_name": at("customer.name")},
            ),
            has=("order",),
            duplicates_of="orders",
        ),
    ),
)
SOUND = {"profiles": b'{"id":"sound","email":"ana.souza@example.com"}', "orders": b'{"order":"sound","total":1}'}
EXPORT_DATE = date(2026, 3, 1)
NAME = Path("landing/hostile/profiles/2026-03-01")


def loaded(described: Vendor, stream_name: str, documents: Sequence[bytes], bounds: Bounds | None = None) -> Normalised:
    """Documents through the normaliser, with what must hold for any of them."""
    records = [_record(number, document) for number, document in enumerate(documents, 1)]
    return normalised(described, stream_name, records, bounds or Bounds())


def _record(number: int, document: bytes) -> Record:
    """A record as the landing zone hands it over: text, or why it is none."""
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        return Record(number, document, reason="invalid_utf8")
    return Record(number, document, document)


def normalised(described: Vendor, stream_name: str, records: list[Record], bounds: Bounds) -> Normalised:
    origin = Origin(Settings(Path()).account(described), stream_name, EXPORT_DATE, f"{NAME}/file.ndjson", load_seq=1)
    result = Normaliser(described, origin, bounds).block(records)
    assert result.rows_read == len(records) == result.rows_loaded + result.rows_rejected + result.rows_duplicate
    assert result.rows_loaded >= 0
    assert len({reject.number for reject in result.rejects}) == len(result.rejects)
    assert {reject.reason for reject in result.rejects} <= RECORD_REASONS.keys()
    assert {issue.code for issue in result.issues} <= ISSUE_CODES.keys()
    raws = {record.number: record.raw for record in records}
    assert all(reject.raw == raws[reject.number] for reject in result.rejects)
    rejected = {reject.number for reject in result.rejects}
    for table in result.frames:
        frame = result.frame(table)
        assert not rejected & set(frame.get_column("source_row").to_list())
        for column, dtype in frame.schema.items():
            if (
                column in ("extra", "attributes", "properties", "definition", "qualifications", "metadata")
                and dtype == pl.String
            ):
                for text in frame.get_column(column).drop_nulls():
                    json.loads(text)
    return result


# -- records -------------------------------------------------------------------------------------------------------------

DEEP = 200_000
RECORDS: dict[str, tuple[bytes, str | None]] = {
    # what comes: the record, and the reason it is rejected for, or none if it loads
    "nothing": (b"", "invalid_json"),
    "blanks": (b"   ", "invalid_json"),
    "a byte order mark": (b'\xef\xbb\xbf{"id":"a"}', "invalid_json"),
    "a line end inside": (b'{"id":"a",\r\n"name":"b"}', None),
    "a raw line end in a text": (b'{"id":"a\nb"}', "invalid_json"),
    "a raw NUL": (b'{"id":"a\x00b"}', "invalid_json"),
    "an escaped NUL": (b'{"id":"a\\u0000b"}', None),
    "NULs only": (b"\x00" * 40, "invalid_json"),
    "bytes that are no UTF-8": (b'{"id":"caf\xe9"}', "invalid_utf8"),
    "an overlong slash": (b'{"id":"\xc0\xaf"}', "invalid_utf8"),
    "half a surrogate pair": (b'{"id":"a\\ud83d"}', None),
    "the other half": (b'{"id":"a\\udc00b"}', None),
    "a whole surrogate pair": (b'{"id":"\\ud83d\\ude00"}', None),
    "an escaped backslash before u": (b'{"id":"\\\\ud83d"}', None),
    "UTF-16": ('{"id":"a"}'.encode("utf-16"), "invalid_utf8"),
    "NaN": (b'{"id":"a","revenue":NaN}', "invalid_json"),
    "Infinity": (b'{"id":"a","revenue":-Infinity}', "invalid_json"),
    "duplicate keys": (b'{"id":"a","id":"b","name":"x","name":"y"}', None),
    "single quotes": (b"{'id':'a'}", "invalid_json"),
    "a comment": (b'{"id":"a"} // that is all', "invalid_json"),
    "a trailing comma": (b'{"id":"a",}', "invalid_json"),
    "two records in one": (b'{"id":"a"}{"id":"b"}', "invalid_json"),
    "half a record": (b'{"id":"a","name":"An', "invalid_json"),
    "a list": (b'[{"id":"a"}]', "not_an_object"),
    "a text": (b'"id"', "not_an_object"),
    "a number": (b"5", "not_an_object"),
    "null": (b"null", "not_an_object"),
    "no keys": (b"{}", "unknown_shape"),
    "no identity": (b'{"id":null}', "missing_identity"),
    "a blank identity": (b'{"id":" \\t\\u00a0"}', "missing_identity"),
    "an identity that is a list": (b'{"id":["a"]}', "missing_identity"),
    "an identity beyond 2^53": (b'{"id":3355837520960160001}', None),
    "an identity of 40 digits": (b'{"id":1234567890123456789012345678901234567890}', None),
    "a number beyond any float": (b'{"id":"a","revenue":1e400}', None),
    "a number of 5,000 digits": (b'{"id":"a","revenue":%s}' % (b"9" * 5000), "invalid_json"),
    "a fraction of 5,000 digits": (b'{"id":"a","revenue":0.%s1}' % (b"0" * 5000), None),
    "an exponent of 5,000 digits": (b'{"id":"a","revenue":1e%s}' % (b"9" * 5000), None),
    "minus zero": (b'{"id":"a","revenue":-0.0}', None),
    "a number with a leading zero": (b'{"id":"a","revenue":007}', "invalid_json"),
    "emoji as a key": ('{"id":"a","🙂":"🙃"}'.encode(), None),
    "an empty key": (b'{"id":"a","":1}', None),
    "keys with dots and quotes": (b'{"id":"a","address.city":"x","a\\"b":1,"__proto__":{"x":1},"$ref":"#"}', None),
    "10,000 keys": (b'{"id":"a",%s}' % b",".join(b'"k%d":%d' % (n, n) for n in range(10_000)), None),
    "10,000 tags": (b'{"id":"a","tags":[%s]}' % b",".join(b'"t%d"' % n for n in range(10_000)), None),
    "10,000 programmes": (
        b'{"id":"a","programmes":{%s}}' % b",".join(b'"p%d":{"points":%d}' % (n, n) for n in range(10_000)),
        None,
    ),
    "a text of a million characters": (b'{"id":"a","name":"%s"}' % (b"x" * 1_000_000), None),
    "an address of a million characters": (b'{"id":"a","email":"%s@example.com"}' % (b"x" * 1_000_000), None),
    "a phone number of 100,000 digits": (b'{"id":"a","phone":"+%s"}' % (b"1" * 100_000), None),
    "every value null": (json.dumps(dict.fromkeys(PROFILE) | {"id": "a"}).encode(), None),
    "lists of null": (b'{"id":"a","tags":[null],"documents":[null],"programmes":{"x":null}}', None),
    "the wrong kind everywhere": (
        b'{"id":"a","email":{},"address":5,"tags":{"a":1},"documents":"x","programmes":[1],"open":[],"is_gone":[]}',
        None,
    ),
    "right to left and zero width": ('{"id":"a\u202eb\u200b\ufeff","name":"\u202eanA"}'.encode(), None),
    "a formula": (b'{"id":"=1+1","name":"=HYPERLINK(\\"http://x\\")"}', None),
    "SQL": (b'{"id":"a\'; drop table customers; --","name":"Robert\'); --"}', None),
    "a path": (b'{"id":"../../etc/passwd"}', None),
    "20 megabytes": (b'{"id":"a","name":"%s"}' % (b"x" * 20_000_000), "record_too_large"),
    "200,000 levels of lists": (b'{"id":"a","open":%s%s}' % (b"[" * DEEP, b"]" * DEEP), "nested_too_deep"),
    "200,000 levels of objects": (b'{"id":"a","open":%s1%s}' % (b'{"a":' * DEEP, b"}" * DEEP), "nested_too_deep"),
    "200,000 levels that never close": (b'{"id":"a","open":%s' % (b"[" * DEEP), "nested_too_deep"),
    "brackets in a text are no levels": (b'{"id":"a","name":"%s"}' % (b"[{" * 500), None),
}


@pytest.mark.parametrize(("document", "reason"), RECORDS.values(), ids=RECORDS)
def test_a_hostile_record_is_logged_and_the_next_one_loads(document, reason):
    result = loaded(HOSTILE, "profiles", [document, SOUND["profiles"]])
    assert [(reject.number, reject.reason) for reject in result.rejects] == ([] if reason is None else [(1, reason)])
    assert "sound" in result.frame("customers").get_column("source_record_id").to_list()


def test_digits_beyond_2_53_are_kept_and_logged_as_suspect():
    result = loaded(HOSTILE, "profiles", [b'{"id":3355837520960160001}'])
    assert result.frame("customers").get_column("source_record_id").to_list() == ["3355837520960160001"]
    assert [issue.code for issue in result.issues] == ["precision_suspect"]


def test_half_a_character_is_replaced_and_logged():
    result = loaded(HOSTILE, "profiles", [b'{"id":"a","name":"b\\ud83d"}'])
    assert result.frame("customers").get_column("full_name").to_list() == ["b\ufffd"]
    assert [issue.code for issue in result.issues] == ["lone_surrogate"]


def test_the_last_of_two_equal_keys_counts():
    assert loaded(HOSTILE, "profiles", [b'{"id":"a","name":"x","name":"y"}']).frame("customers").get_column(
        "full_name"
    ).to_list() == ["y"]


def test_a_key_nobody_knows_is_kept_whatever_it_is_called():
    result = loaded(HOSTILE, "profiles", ['{"id":"a","🙂":{"":[1,"🙃"]}}'.encode()])
    [extra] = result.frame("customers").get_column("extra").to_list()
    assert json.loads(extra) == {"🙂": {"": [1, "🙃"]}}


def test_a_secret_is_stored_nowhere_even_if_it_comes_in_a_strange_shape():
    for secret in (b'"geheim"', b'{"geheim":1}', b'["geheim"]'):
        result = loaded(HOSTILE, "profiles", [b'{"id":"a","secret":%s,"is_gone":"false"}' % secret])
        assert all("geheim" not in str(row) for table in result.frames for row in result.frame(table).iter_rows())


def test_a_record_repeated_in_its_file_is_a_duplicate():
    result = loaded(HOSTILE, "orders", [SOUND["orders"], SOUND["orders"], b'{"total": 1, "order": "sound"}'])
    assert (result.rows_loaded, result.rows_duplicate) == (1, 2)


def test_a_record_repeated_with_other_blanks_or_its_fields_in_another_order_is_a_duplicate():
    record = {
        "order": "o",
        "total": 1,
        "data": {"note": "a: 1", "more": [1, {"b": 2}]},
        "lines": [{"sku": "s", "kept": {"c": [3]}}],
    }
    written = [
        json.dumps(record),
        json.dumps(record, separators=(",", ":")),
        json.dumps(record, indent=2),
        json.dumps(dict(reversed(record.items()))),
    ]
    assert loaded(HOSTILE, "orders", [line.encode() for line in written]).rows_duplicate == 3
    unknown = {"y": 1, "x": {"b": 1, "a": 2}}
    written = [json.dumps(record | unknown), json.dumps({"x": {"a": 2, "b": 1}} | record | {"y": 1})]
    assert loaded(HOSTILE, "orders", [line.encode() for line in written]).rows_duplicate == 1


@pytest.mark.parametrize("blank", [" ", "\t", "\r\n", "  "])
@pytest.mark.parametrize("sign", ["{", "}", "[", "]", ":", ","])
@pytest.mark.parametrize("is_before", [True, False])
def test_of_what_goes_through_as_delivered_no_blank_between_its_signs_is_kept(blank: str, sign: str, is_before: bool):
    kept = '{"c":[3,{"d":"a: 1 , b"}],"e":{}}'
    plain = f'{{"order":"o","total":1,"lines":[{{"sku":"s","kept":{kept}}}]}}'
    inside = plain.index(kept)
    spaced = kept[:-1].replace(sign, blank + sign if is_before else sign + blank) + kept[-1]
    # Inside a text a blank stays: there the signs are as they were.
    spaced = re.sub(r'"a[^"]*"', '"a: 1 , b"', spaced)
    written = plain[:inside] + spaced + plain[inside + len(kept) :]
    assert (written != plain) == (sign in kept[:-1])
    rows = [loaded(HOSTILE, "orders", [one.encode()]).frame("order_lines") for one in (plain, written)]
    assert rows[0].get_column("extra").to_list() == [f'{{"kept":{kept}}}']
    assert rows[1].equals(rows[0])


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=5))
def test_a_record_repeated_in_another_block_of_its_file_is_a_duplicate(blocks: list[list[str]]):
    origin = Origin(Settings(Path()).account(HOSTILE), "profiles", EXPORT_DATE, f"{NAME}/file.ndjson", load_seq=1)
    normaliser = Normaliser(HOSTILE, origin, Bounds())
    found: list[str] = []
    duplicates = number = 0
    for ids in blocks:
        block = [
            _record(number := number + 1, b'{"id":"%s","nobody knows":"%s"}' % (one.encode(), one.encode()))
            for one in ids
        ]
        result = normaliser.block(block)
        assert result.rows_read == result.rows_loaded + result.rows_duplicate
        duplicates += result.rows_duplicate
        rows_found = result.frame("customers").select("source_record_id", "extra").rows()
        assert all(json.loads(extra) == {"nobody knows": one} for one, extra in rows_found)
        found.extend(one for one, _ in rows_found)
    reported = [one for ids in blocks for one in ids]
    assert found == list(dict.fromkeys(reported))
    assert duplicates == len(reported) - len(found)


def test_limits_are_those_of_the_installation():
    bounds = Bounds(record_bytes=100, record_levels=3)
    result = loaded(
        HOSTILE,
        "profiles",
        [b'{"id":"a","open":[[1]]}', b'{"id":"b","open":[[[1]]]}', b'{"id":"%s"}' % (b"x" * 100)],
        bounds,
    )
    assert [reject.reason for reject in result.rejects] == ["nested_too_deep", "record_too_large"]


@pytest.mark.parametrize(
    "amount", ["NaN", "inf", "1e99", "9" * 40, "--5", "1,000.00", "5 EUR", "٣", "0x10", "1_000", "½", "", " ", "true"]
)
def test_an_amount_that_is_none_is_logged_or_rejected_but_never_a_silent_null(amount):
    result = loaded(HOSTILE, "orders", [json.dumps({"order": "a", "total": amount}).encode(), SOUND["orders"]])
    [total] = result.frame("orders").filter(pl.col("source_row") == 1).get_column("total").to_list() or [None]
    assert total is not None or result.rejects or not amount.strip()


@pytest.mark.parametrize(
    "born",
    [
        "0000-00-00",
        "9999-99-99",
        "1990-02-30",
        "-1",
        "1e9",
        "00/00/0000",
        "yesterday",
        "1990-02-03T99:00:00Z",
        "²⁰²⁰-01-01",
    ],
)
def test_a_date_that_is_none_is_logged(born):
    result = loaded(HOSTILE, "profiles", [json.dumps({"id": "a", "born": born, "created": born}).encode()])
    [row] = result.frame("customers").iter_rows(named=True)
    assert row["birth_date"] is not None or "birth_date" in {issue.field for issue in result.issues}
    assert row["created_at"] is not None or "created_at" in {issue.field for issue in result.issues}


# -- any bytes, any values -----------------------------------------------------------------------------------------------

PATIENT = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            " ",
            "null",
            "0",
            "-1",
            "1e5",
            "true",
            "a@example.com",
            "+4915123456701",
            "2026-02-01",
            "2026-02-01T10:00:00Z",
            "EUR",
            "JPY",
            "DE",
            "paid",
            "\u0000",
            "\ud800",
            "🙂",
        ]
    ),
)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
JUNK = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=6
)


def of_shape(shape: Any) -> st.SearchStrategy[Any]:
    """Values more or less of a shape, with junk anywhere."""
    if isinstance(shape, Leaf):
        return st.one_of(PLAIN, JUNK)
    if isinstance(shape, Pairs):
        return st.one_of(st.dictionaries(TEXTS, of_shape(shape.value), max_size=2), JUNK)
    if isinstance(shape, list):
        return st.one_of(st.lists(of_shape(shape[0]), max_size=2), JUNK)
    known = shape.known if isinstance(shape, Open) else shape
    return st.one_of(_objects(known), JUNK)


def _objects(known: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(st.sampled_from(sorted(known)), max_size=5, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: of_shape(known[name]) for name in chosen}))


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@PATIENT
@given(st.lists(st.binary(max_size=200), max_size=6))
@pytest.mark.parametrize("stream_name", HOSTILE.streams)
def test_any_bytes_are_accounted_for(stream_name, documents):
    loaded(HOSTILE, stream_name, [*documents, SOUND[stream_name]])


@PATIENT
@given(st.data())
@pytest.mark.parametrize("stream_name", HOSTILE.streams)
def test_any_values_in_any_field_are_accounted_for_and_a_sound_record_always_loads(stream_name, data):
    [only] = HOSTILE.streams[stream_name].dialects
    key = next(iter(only.has))
    records = data.draw(st.lists(_objects(only.shape).map(lambda record: {key: "a", **record}), min_size=1, max_size=6))
    result = loaded(HOSTILE, stream_name, [*map(encoded, records), SOUND[stream_name]])
    table = "customers" if stream_name == "profiles" else "orders"
    assert "sound" in result.frame(table).get_column("source_record_id").to_list() or result.rows_duplicate


def _dialects() -> list[Any]:
    return [
        pytest.param(code, name, position, id=f"{code}-{name}-{only.name}")
        for code, one in discover().items()
        for name, reported in one.streams.items()
        for position, only in enumerate(reported.dialects)
    ]


@pytest.mark.long
@settings(PATIENT, max_examples=3)
@given(st.data())
@pytest.mark.parametrize(("code", "stream_name", "position"), _dialects())
def test_junk_in_the_shape_of_a_real_vendor_is_accounted_for(code, stream_name, position, data):
    described = discover()[code]
    shape = described.streams[stream_name].dialects[position].shape
    required = dict.fromkeys(described.streams[stream_name].dialects[position].has, "a")
    records = data.draw(st.lists(_objects(shape), min_size=6, max_size=12))
    loaded(described, stream_name, [encoded({**required, **record}) for record in records])


# -- files ---------------------------------------------------------------------------------------------------------------

LIMITS = SimpleNamespace(record_bytes=2**20, unpack_ratio=20.0, unpack_free_bytes=2**20)


def accounted(folder: Path, name: str, content: bytes) -> tuple[int, str | None]:
    """(records read, reason the file broke off) of a file with this content; the law holds block by block."""
    path = folder / "landing" / "hostile" / "profiles" / str(EXPORT_DATE) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    file = LandedFile(
        EXPORT_DATE, "hostile", "profiles", str(path.relative_to(folder)), path, len(content), 0, is_full=False
    )
    read = 0
    try:
        for block in formats.blocks(file, folder, LIMITS):
            read += normalised(HOSTILE, "profiles", list(block), Bounds(record_bytes=LIMITS.record_bytes)).rows_read
    except ContainerError as error:
        assert error.reason in FILE_REASONS
        return read, error.reason
    return read, None


GOOD = SOUND["profiles"]
FILES: dict[str, tuple[str, bytes, tuple[int, str | None]]] = {
    "nothing": ("a.ndjson", b"", (0, None)),
    "a byte order mark and Windows line ends": (
        "a.ndjson",
        b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD + b"\r\n",
        (2, None),
    ),
    "no line end at the end": ("a.ndjson", GOOD + b"\n" + GOOD, (2, None)),
    "a bad line among good ones": ("a.ndjson", GOOD + b"\n{oops\n" + GOOD, (3, None)),
    "NULs": ("a.ndjson", b"\x00" * 1000, (1, None)),
    "a line beyond the limit": ("a.ndjson", b'{"id":"' + b"x" * 2**21 + b'"}\n' + GOOD, (2, None)),
    "half an array": ("a.json", b"[" + GOOD + b"," + GOOD[:20], (0, "truncated_json")),
    "half a gzip": ("a.ndjson.gz", gzip.compress(b"\n".join([GOOD] * 2000))[:-20], (0, "truncated_archive")),
    "a text called gzip": ("a.ndjson.gz", b"this is no gzip, it only says so", (0, "format_mismatch")),
    "a gzip called text": ("a.ndjson", gzip.compress(GOOD), (0, "format_mismatch")),
    "a bomb": ("a.ndjson.gz", gzip.compress(b" " * 2**26), (0, "archive_too_large")),
    "an unknown name": ("a.txt", GOOD, (0, "unknown_format")),
    "a text called parquet": ("a.parquet", GOOD, (0, "format_mismatch")),
    "a parquet that is only its magic": ("a.parquet", b"PAR1PAR1", (0, "broken_parquet")),
    "a CSV with one header twice": ("a.csv", b"id,id\n1,2\n", (1, None)),
    "lines of blanks": ("a.ndjson", b" \n\r\n", (0, "no_records")),
    "a CSV of a header alone": ("a.csv", b"id,name\n", (0, None)),
    "a ragged CSV": ("a.csv", b"id,name\n1,Ana\n2\n3,Bruno,x\n", (3, None)),
    "JSON called CSV": ("a.csv", GOOD, (0, "format_mismatch")),
    "200,000 levels": ("a.json", b"[" * DEEP, (0, "broken_json")),
}


@pytest.mark.parametrize(("name", "content", "expected"), FILES.values(), ids=FILES)
def test_a_hostile_file_is_logged_with_its_reason(tmp_path, name, content, expected):
    read, reason = accounted(tmp_path, name, content)
    assert reason == expected[1]
    assert reason is not None or read == expected[0]


@pytest.mark.parametrize(
    "name",
    [
        "a*b?[c].ndjson",
        "new\nline.ndjson",
        "-rf.ndjson",
        "ünï🙂.ndjson",
        "a b.ndjson",
        "%2e%2e.ndjson",
        "con.ndjson",
        "a.ndjson\u202e",
        "x" * 240 + ".ndjson",
    ],
)
def test_a_strange_name_is_only_a_name(tmp_path, name):
    read, reason = accounted(tmp_path, name, GOOD)
    assert (read, reason) == (1, None) or reason == "unknown_format"


def test_a_link_out_of_the_landing_zone_is_not_followed(tmp_path):
    outside = tmp_path / "elsewhere.ndjson"
    outside.write_bytes(GOOD)
    folder = tmp_path / "data" / "landing"
    folder.mkdir(parents=True)
    link = folder / "a.ndjson"
    link.symlink_to(outside)
    file = LandedFile(
        EXPORT_DATE, "hostile", "profiles", "landing/a.ndjson", link, outside.stat().st_size, 0, is_full=False
    )
    with pytest.raises(ContainerError, match="outside_landing"):
        list(formats.blocks(file, tmp_path / "data", LIMITS))


@settings(PATIENT, max_examples=60)
@given(
    content=st.one_of(
        st.binary(max_size=400),
        st.lists(
            st.sampled_from(
                [
                    GOOD,
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b"\n",
                    b'"',
                    b"\\",
                    b"\xff",
                    b"id,name\n",
                    b"\r",
                    b";",
                    b"\x00",
                    b"PAR1",
                ]
            ),
            max_size=12,
        ).map(b"".join),
    )
)
@pytest.mark.parametrize("name", ["a.ndjson", "a.json", "a.csv", "a.parquet", "a.ndjson.gz", "a.json.zst"])
def test_any_bytes_in_a_file_are_accounted_for(tmp_path, name, content):
    accounted(tmp_path, name, content)


@settings(PATIENT, max_examples=30)
@given(content=st.lists(st.sampled_from([GOOD, b"{", b"\n", b"x", b"\xff"]), max_size=8).map(b"\n".join))
@pytest.mark.parametrize("name", ["a.ndjson.gz", "a.csv.gz"])
def test_any_bytes_in_a_packed_file_are_accounted_for(tmp_path, name, content):
    accounted(tmp_path, name, gzip.compress(content))
