"""Holders of one key who contradict each other: which of them go together, by the model's own SQL."""

from collections.abc import Callable

import duckdb
import pytest

# Node, key, first name, document, birth date.
Holder = tuple[int, int, str | None, str | None, str | None]
# Group, holders and groups of the key, and whether it is shared.
Judged = tuple[int | None, int, int, bool]


@pytest.fixture
def judged(compiled: Callable[[str], str]) -> Callable[[int, list[Holder]], dict[int, Judged]]:
    """What becomes of each node, with at most so many groups of a key that still links."""

    def asked(limit: int, holders: list[Holder]) -> dict[int, Judged]:
        with duckdb.connect() as con:
            con.execute("attach ':memory:' as warehouse; create schema warehouse.internal")
            con.execute(f"create table warehouse.internal.run_settings as select {limit} as identity_sharing_limit")
            con.execute("create schema warehouse.identity")
            con.execute("""
                create table warehouse.identity.int_shared_evidence (
                    node hugeint, identifier_key ubigint, first_name_key varchar, document varchar, birth_date date,
                    naming struct(forms varchar[], family varchar, words varchar, is_known boolean, script varchar)
                )
                """)
            con.executemany(
                "insert into warehouse.identity.int_shared_evidence values ($1, $2, $3, $4, $5, null)", holders
            )
            rows = con.execute(
                f"select node, group_no, holder_count, group_count, is_shared from ({compiled('int_conflicting_identifiers')})"
            ).fetchall()
            return {
                node: (group, holders_of_key, groups, shared) for node, group, holders_of_key, groups, shared in rows
            }

    return asked


def test_a_record_that_agrees_with_two_who_contradict_each_other_joins_neither(
    judged: Callable[[int, list[Holder]], dict[int, Judged]],
) -> None:
    names = ["ana", "bruno", None, "bruno"]
    holders: list[Holder] = [(node, 7, name, None, None) for node, name in enumerate(names, 1)]
    agreeing: list[Holder] = [(5, 8, "ana", None, None), (6, 8, None, None, None)]
    assert judged(5, holders + agreeing) == {
        1: (1, 4, 2, False),
        2: (2, 4, 2, False),
        3: (None, 4, 2, False),
        4: (2, 4, 2, False),
    }


def test_who_gives_no_name_and_is_not_the_one_is_not_the_other_either(
    judged: Callable[[int, list[Holder]], dict[int, Judged]],
) -> None:
    nobodys: list[Holder] = [(1, 7, "ana", "1", None), (2, 7, "bia", None, None), (3, 7, None, "2", None)]
    bias: list[Holder] = [(4, 8, "ana", "1", None), (5, 8, "bia", "2", None), (6, 8, None, "2", None)]
    assert judged(5, nobodys + bias) == {
        1: (1, 3, 3, False),
        2: (2, 3, 3, False),
        3: (3, 3, 3, False),
        4: (4, 3, 2, False),
        5: (5, 3, 2, False),
        6: (5, 3, 2, False),
    }


def test_an_identifier_of_more_people_than_the_limit_is_shared(
    judged: Callable[[int, list[Holder]], dict[int, Judged]],
) -> None:
    days = ["1980-01-01", "1981-02-03", "1983-05-06"]
    holders: list[Holder] = [(node, 7, None, None, day) for node, day in enumerate(days, 1)]
    assert judged(2, holders) == {node: (node, 3, 3, True) for node in (1, 2, 3)}
    assert judged(3, holders) == {node: (node, 3, 3, False) for node in (1, 2, 3)}
