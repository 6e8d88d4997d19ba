"""The partition is exact: the models' own SQL against the slow and obvious way, on a thousand random graphs at once."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
import pytest

from tests.support.compiled import RELATION

GRAPHS = 1000
SPAN = 1000

Edge = tuple[int, int]


class UnionFind:
    """Ten lines that cannot be wrong."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}

    def find(self, vertex: int) -> int:
        while self.parent.setdefault(vertex, vertex) != vertex:
            vertex = self.parent[vertex]
        return vertex

    def join(self, one: int, other: int) -> None:
        self.parent[self.find(one)] = self.find(other)


def random_graph(random_number: random.Random) -> list[Edge]:
    """Holders and keys of one of the shapes that identities come in: chain, star, clique of keys, forest, mix."""
    size = random_number.randint(1, 40)
    shape = random_number.choice(["chain", "star", "hubs", "forest", "mix"])
    holders = random_number.sample(range(SPAN), size + 1)
    if shape == "chain":
        return [
            edge
            for position in range(size)
            for edge in ((holders[position], position), (holders[position + 1], position))
        ]
    if shape == "star":
        return [(holder, 0) for holder in holders]
    keys = {"hubs": 3, "forest": 2 * size, "mix": size}[shape]
    return [(random_number.choice(holders), random_number.randrange(keys)) for _ in range(2 * size)]


def fill(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[int | None, ...]]) -> None:
    """Inserts rows of numbers."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    con.execute(f"insert into {table} select {', '.join('unnest(cast(? as bigint[]))' for _ in columns)}", columns)


def partition(labels: Iterable[tuple[int, int]]) -> set[frozenset[int]]:
    """Sets of vertices with the same label."""
    sets: dict[int, set[int]] = {}
    for vertex, label in labels:
        sets.setdefault(label, set()).add(vertex)
    return {frozenset(members) for members in sets.values()}


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_components_of_a_thousand_random_graphs_are_those_of_union_find(
    compiled: Callable[[str], str], seed: int
) -> None:
    random_number = random.Random(seed)
    edges = [
        (graph * SPAN + holder, graph * SPAN + key)
        for graph in range(GRAPHS)
        for holder, key in random_graph(random_number)
    ]
    expected = UnionFind()
    for holder, key in edges:
        expected.join(holder, -1 - key)
    with duckdb.connect() as con:
        con.execute(
            "attach ':memory:' as warehouse; create schema warehouse.identity; create table warehouse.identity.int_links (node bigint, link_key bigint)"
        )
        fill(con, "warehouse.identity.int_links", edges)
        found = con.execute(compiled("int_components")).fetchall()
    lone = {holder for holder, _ in edges} - {node for node, _ in found}
    assert len({node for node, _ in found}) == len(found)
    assert partition(found) | {frozenset({holder}) for holder in lone} == partition(
        (holder, expected.find(holder)) for holder, _ in edges
    )


def test_a_chain_of_a_hundred_thousand_is_one_component(compiled: Callable[[str], str]) -> None:
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as warehouse; create schema warehouse.identity")
        con.execute(
            "create table warehouse.identity.int_links as"
            " select (hash(i + d) % 1000000000000)::bigint as node, i as link_key from range(100000) chain(i), (values (0), (1)) ends(d)"
        )
        assert con.execute(
            f"select count(*), count(distinct component) from ({compiled('int_components')})"
        ).fetchone() == (100001, 1)


def taken_apart(links: list[tuple[int, int, int]], documents: dict[int, int], apart: list[Edge]) -> UnionFind:
    """Links (node, key, order) taken one by one, each refused if it would join two documents or two nodes kept apart."""
    accepted = UnionFind()
    for node, key, _ in sorted(links, key=lambda link: link[2]):
        one, other = accepted.find(node), accepted.find(-1 - key)
        papers = {document for holder, document in documents.items() if accepted.find(holder) in (one, other)}
        is_banned = any({accepted.find(left), accepted.find(right)} == {one, other} for left, right in apart)
        if one != other and len(papers) <= 1 and not is_banned:
            accepted.join(one, other)
    return accepted


def test_broken_components_are_taken_apart_as_if_links_came_one_by_one(compiled: Callable[[str], str]) -> None:
    random_number = random.Random(3)
    links, documents, apart, components, expected = [], {}, [], [], []
    for graph in range(400):
        holders = random_number.sample(range(SPAN), random_number.randint(2, 14))
        given = sorted(
            {(random_number.choice(holders), random_number.randrange(len(holders))) for _ in range(3 * len(holders))}
        )
        random_number.shuffle(given)
        whole = UnionFind()
        for node, key in given:
            whole.join(node, -1 - key)
        papers = {holder: random_number.randint(1, 3) for holder in holders if random_number.random() < 0.4}
        banned = [
            pair
            for _ in range(random_number.choice([0, 0, 1, 3]))
            for pair in [tuple(random_number.sample(holders, 2))]
            if whole.find(pair[0]) == whole.find(pair[1])
        ]
        own = [(node, key, order) for order, (node, key) in enumerate(given)]
        start = graph * SPAN
        parts = taken_apart(own, papers, banned)
        links += [(start + node, start + key, graph * SPAN + order) for node, key, order in own]
        documents |= {start + holder: document for holder, document in papers.items()}
        apart += [(start + min(pair), start + max(pair)) for pair in banned]
        seen = {node for node, _, _ in own}
        components += [(start + node, start + 100000 + whole.find(node)) for node in seen]
        expected.append((start, own, parts))
    found = dict(
        repaired(compiled("int_cluster_splits"), links=links, documents=documents, apart=apart, components=components)
    )
    for start, own, parts in expected:
        nodes = {node for node, _, _ in own if start + node in found}
        assert partition((node, found[start + node]) for node in nodes) == partition(
            (node, parts.find(node)) for node in nodes
        )


def repaired(
    query: str,
    *,
    links: list[tuple[int, int, int]],
    documents: dict[int, int],
    apart: list[Edge],
    components: list[Edge],
    identifiers: Sequence[tuple[int, str, str, str]] = (),
    rules: Sequence[tuple[int, int, str]] = (),
    first_seen: int | None = None,
) -> list[Edge]:
    """Person of every node of a broken component, by the model's SQL."""
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as warehouse; create schema warehouse.identity; use warehouse.identity")
        con.execute(
            "create table int_record_identifiers (identifier_key bigint, id_type varchar, id_namespace varchar, id_link_value varchar)"
        )
        con.execute(
            "create table int_links (node bigint, link_key bigint, identifier_key bigint, type_rank bigint, first_seen_at bigint, decision_order text)"
        )
        con.execute("create table int_composite_keys (identifier_key bigint, record_no bigint, rule varchar)")
        con.execute(
            "create table int_confirmed_keys (identifier_key bigint, record_no bigint, id_type varchar, id_namespace varchar, id_value varchar, proof varchar)"
        )
        con.execute("create table int_document_marks (node bigint, mark bigint)")
        con.execute("create table int_components (node bigint, component bigint)")
        con.execute("create table int_cannot_link (node bigint, other_node bigint)")
        fill(
            con,
            "int_links",
            [(node, key, key, 3, order if first_seen is None else first_seen, None) for node, key, order in links],
        )
        for table, rows in (("int_record_identifiers", identifiers), ("int_composite_keys", rules)):
            for row in rows:
                con.execute(f"insert into {table} values ({', '.join('?' for _ in row)})", row)
        fill(con, "int_components", components)
        fill(con, "int_document_marks", sorted(documents.items()))
        if apart:
            fill(con, "int_cannot_link", [pair for one, other in apart for pair in ((one, other), (other, one))])
        return con.execute(f"select distinct node, person from ({query})").fetchall()


@pytest.mark.parametrize(
    "said",
    [
        {"identifiers": [("customer_id", "shop", "5"), ("external_id", "shop", "5")]},
        {"identifiers": [("customer_id", "one", "5"), ("customer_id", "two", "5")]},
        {"rules": [(11, "name_birth_date"), (12, "name_birth_date")]},
    ],
)
def test_which_of_two_links_of_one_moment_comes_first_is_no_matter_of_how_their_keys_are_hashed(
    compiled: Callable[[str], str], said: dict[str, list[tuple[Any, ...]]]
) -> None:
    persons = set()
    for keys in ((1, 2), (2, 1)):
        reported = {table: [(key, *row) for key, row in zip(keys, rows, strict=True)] for table, rows in said.items()}
        found = repaired(
            compiled("int_cluster_splits"),
            links=[(100, keys[0], 0), (200, keys[0], 0), (100, keys[1], 0), (300, keys[1], 0)],
            documents={200: 1, 300: 2},
            apart=[],
            components=[(100, 100), (200, 100), (300, 100)],
            first_seen=0,
            **reported,
        )
        persons.add(frozenset(partition(found)))
    assert len(persons) == 1


def test_a_composite_key_is_of_an_id_in_its_namespace_and_not_of_both_written_together(
    compiled: Callable[[str], str],
) -> None:
    sql = compiled("int_composite_keys")
    names = ("first_name_key", "last_name_key", "full_name_key", "postal_code_key", "city_key", "address_key")
    columns = ", ".join(f"'a b' as {name}" for name in names)
    reported = {
        "int_records": f"select record_no, {columns}, null::date as birth_date from range(1, 3) as given(record_no)",
        "int_record_evidence": "select record_no, null::varchar as document from range(1, 3) as given(record_no)",
        "int_record_identifiers": """
            select *, 'customer_id' as id_type, null as unusable_reason, true as is_current
            from (values (1, 'shop:1', '23'), (2, 'shop:12', '3')) as given(record_no, id_namespace, id_link_value)
        """,
        "identity_rules": """
            select 'number' as rule, part, true as is_active from (values ('full_name'), ('customer_id')) as given(part)
        """,
    }
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as warehouse")
        for schema, table in set(RELATION.findall(sql)):
            con.execute(f"create schema if not exists warehouse.{schema}")
            con.execute(f"create table warehouse.{schema}.{table} as {reported[table]}")
        keys = con.execute(f"select count(*), count(distinct identifier_key) from ({sql})").fetchone()
    assert keys == (2, 2)
