"""Rules on who is who that cannot be meant: refused with file and line, before anything runs."""

from pathlib import Path

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import identity_rules, seeds

HEADER = (
    "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,"
    "identifier_type,identifier_value,author,reason"
)


def pair(rule: str, one: str, other: str) -> str:
    return f"{rule},ometria,default,profiles,{one},omnisend,default,contacts,{other},,,mia,known customers"


def overrides(settings: Settings, *lines: str) -> Path:
    return write(settings, "identity_overrides", HEADER, *lines)


def write(settings: Settings, name: str, *lines: str) -> Path:
    settings.config.mkdir(parents=True, exist_ok=True)
    path = settings.config / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def refusal(settings: Settings) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        identity_rules.check_files(settings)
    assert caught.value.exit_code == 2
    return caught.value


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (pair("sometimes", "1", "2"), "`sometimes` is no rule"),
        (pair("never", "", "2"), "`source_record_id` is empty"),
        (pair("always", "1", ""), "`other_source_record_id` is empty"),
        ("never,ometria,default,profiles,1,ometria,default,profiles,1,,,mia,why", "both records are the same"),
        ("never,ometria,default,profiles,1,ometria,default,profiles,2,email,,mia,why", "`identifier_type` is filled"),
        ("never,ometria,default,profiles,1,ometria,default,profiles,2,,,,why", "`author` is empty"),
        ("never,ometria,default,profiles,1,ometria,default,profiles,2,,,mia,", "`reason` is empty"),
        ("blocked,,,,,,,,,e-mail,a@shop.example,mia,shop counter", "this is no identifier type"),
        ("blocked,,,,,,,,,mail,a@shop.example,mia,shop counter", "`mail` is no identifier type"),
        ("blocked,,,,,,,,,email,,mia,shop counter", "`identifier_value` is empty"),
        ("blocked,ometria,,,,,,,,email,a@shop.example,mia,shop counter", "`source` is filled"),
        ("blocked,too,few", "cells"),
    ],
)
def test_an_override_that_cannot_be_meant_is_refused_with_file_and_line(
    settings: Settings, line: str, problem: str
) -> None:
    path = overrides(settings, pair("never", "8", "9"), line)
    error = refusal(settings)
    assert f"{path}, line 3: " in error.message
    assert problem in error.message


def test_an_address_in_a_misplaced_cell_is_not_quoted(settings: Settings) -> None:
    overrides(settings, "zoe@private.example,ometria,default,profiles,1,ometria,default,profiles,2,,,mia,why")
    assert refusal(settings).message.endswith("`z…@p….example` is no rule; rules are never, always and blocked.")


def test_always_and_never_on_the_same_records_contradict_each_other(settings: Settings) -> None:
    overrides(
        settings, pair("always", "1", "2"), "never,omnisend,default,contacts,2,ometria,default,profiles,1,,,mia,why"
    )
    assert "line 3: `never` keeps apart what `always` joins (line 2)" in refusal(settings).message


def test_always_and_never_contradict_each_other_through_other_records_too(settings: Settings) -> None:
    overrides(
        settings,
        pair("never", "1", "4"),
        pair("always", "1", "2"),
        pair("always", "3", "2"),
        pair("always", "3", "4"),
        pair("always", "7", "8"),
    )
    assert "line 2: `never` keeps apart what `always` joins (lines 3, 4, 5)" in refusal(settings).message


def test_many_decisions_that_agree_pass(settings: Settings) -> None:
    overrides(
        settings,
        pair("always", "1", "2"),
        pair("always", "3", "2"),
        pair("never", "1", "5"),
        "blocked,,,,,,,,,phone,+4915110000000,mia,shop counter",
    )
    identity_rules.check_files(settings)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "never,ometrai,default,profiles,1,ometria,default,profiles,2,,,mia,why",
            "`ometrai` is no vendor; vendors are ometria, omnisend",
        ),
        (
            "always,ometria,default,profiles,1,omnisend,default,contact,2,,,mia,why",
            "`contact` is no stream of omnisend; streams are ",
        ),
    ],
)
def test_a_record_of_no_vendor_or_stream_is_refused(settings: Settings, line: str, problem: str) -> None:
    path = overrides(settings, "never,ometria,default,derived,derived:f00,omnisend,north,contacts,2,,,mia,why", line)
    assert f"{path}, line 3: {problem}" in refusal(settings).message


def test_a_decision_that_the_data_make_impossible_is_set_aside_without_naming_a_record(settings: Settings) -> None:
    overrides(
        settings,
        pair("never", "1", "email:ana@mail.example"),
        pair("always", "1", "3"),
        pair("always", "1", "4"),
        "never,omnisend,default,contacts,4,ometria,default,derived,derived:f00,,,mia,why",
    )
    columns = ("source", "source_account", "stream_key", "source_record_id", "customer_id", "alias_id")
    with duckdb.connect() as con:
        con.execute(
            f"create schema internal; create table internal.int_record_customers ({' text, '.join(columns)} text)"
        )
        con.execute("""
            insert into internal.int_record_customers
            values ('ometria', 'default', 'profiles', '1', 'a', ''), ('omnisend', 'default', 'contacts', '3', 'b', ''),
                ('omnisend', 'default', 'contacts', '4', 'a', ''), ('ometria', 'default', 'derived', 'derived:f00', null, 'c')
            """)
        reported = [
            (found.sentence, found.customer_id, found.other_customer_id)
            for found in identity_rules.set_aside(con, settings)
        ]
    assert reported == [
        (
            "identity_overrides.csv, line 2: `never` is set aside, since the other record is not there:"
            " omnisend/default/contacts has no record of that id.",
            "a",
            None,
        ),
        (
            "identity_overrides.csv, line 3: `always` is set aside, since another decision or two documents keep its records apart.",
            "a",
            "b",
        ),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("fax,exact,123,placeholder", "`fax` is no identifier type"),
        ("email,ending,x,placeholder", "`ending` is no way to compare"),
        ("email,exact,,placeholder", "`value` is empty"),
        ("phone,pattern,+49%,placeholder", "a pattern is a number with `_` for any one digit"),
    ],
)
def test_a_blocked_value_of_an_unknown_kind_is_refused(settings: Settings, line: str, problem: str) -> None:
    path = write(settings, "identifier_blocklist", "identifier_type,match_kind,value,reason", line)
    error = refusal(settings)
    assert f"{path}, line 2: " in error.message
    assert problem in error.message


def test_a_composite_key_of_names_alone_is_refused(settings: Settings) -> None:
    write(
        settings,
        "identity_rules",
        "rule,part,is_active",
        "good,full_name,true",
        "good,birth_date,true",
        "bold,full_name,true",
        "bold,name_words,true",
    )
    assert "line 4: the rule `bold` would join people by their names alone" in refusal(settings).message


def test_a_composite_key_of_an_unknown_part_is_refused(settings: Settings) -> None:
    write(settings, "identity_rules", "rule,part,is_active", "good,shoe_size,true")
    assert "line 2: `shoe_size` is no part of a key" in refusal(settings).message


def test_the_rules_as_shipped_pass(settings: Settings) -> None:
    identity_rules.check_files(settings)


def test_rules_on_what_is_nobodys_say_where_each_row_is_known_from(settings: Settings) -> None:
    reported = [seed for seed in seeds.find(settings) if "known_from" in seed.types]
    assert [seed.name for seed in reported] == [
        "date_placeholders",
        "given_name_variants",
        "identifier_blocklist",
        "name_placeholders",
    ]
    assert [(seed.name, line) for seed in reported for line, row in seeds.rows(seed) if not row["known_from"]] == []


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("identifier_type,match_kind,value,reason", "email,local_part,till,role_address"),
        (
            "identifier_type,match_kind,value,reason,known_from",
            "email,local_part,till,role_address,the people at the till",
        ),
    ],
)
def test_a_blocklist_of_ones_own_may_say_where_it_is_known_from_or_not(
    settings: Settings, header: str, line: str
) -> None:
    write(settings, "identifier_blocklist", header, line)
    with duckdb.connect() as con:
        seeds.load(con, settings)
        assert con.execute("select value, reason from seeds.identifier_blocklist").fetchall() == [
            ("till", "role_address")
        ]
