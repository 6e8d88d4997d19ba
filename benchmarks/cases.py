"""What is measured, one case a process: `python -m benchmarks.cases CASE FOLDER`; prints one JSON line with the seconds it took.

Ours and, on the same bytes, those that bound it from below: bare parsers, DuckDB's typed reader, and what one would
write without this project. Times leave out start and imports; `run.py` measures memory from outside.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ITEM = (
    "STRUCT(productID VARCHAR, variantID VARCHAR, title VARCHAR, vendor VARCHAR, sku VARCHAR, quantity BIGINT, price DOUBLE, discount DOUBLE, "
    "imageUrl VARCHAR, productUrl VARCHAR, categoryIDs VARCHAR[], tags VARCHAR[])[]"
)
COLUMNS = {
    "eventName": "VARCHAR",
    "eventTime": "TIMESTAMPTZ",
    "eventID": "VARCHAR",
    "origin": "VARCHAR",
    "contact": "STRUCT(contactID VARCHAR, email VARCHAR, phone VARCHAR)",
    "properties": "JSON",
    "order": "STRUCT(orderID VARCHAR, orderNumber VARCHAR, totalPrice DOUBLE, subTotalPrice DOUBLE, currency VARCHAR, discountValue DOUBLE, "
    "paymentStatus VARCHAR, fulfillmentStatus VARCHAR, cartID VARCHAR, cartRecoveryURL VARCHAR)",
    "lineItems": ITEM,
}
EVENT_FIELDS = ("eventName", "eventTime", "eventID", "origin")
ORDER_FIELDS = (
    "orderID",
    "orderNumber",
    "totalPrice",
    "subTotalPrice",
    "currency",
    "discountValue",
    "paymentStatus",
    "fulfillmentStatus",
    "cartID",
    "cartRecoveryURL",
)
ITEM_FIELDS = (
    "productID",
    "variantID",
    "title",
    "vendor",
    "sku",
    "quantity",
    "price",
    "discount",
    "imageUrl",
    "productUrl",
)
NUMBERS = ("totalPrice", "subTotalPrice", "discountValue", "price", "discount")


@dataclass
class Watch:
    """Wall and CPU seconds of a case and of its parts."""

    parts: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            seen = self.parts.setdefault(name, [0.0, 0.0])
            seen[0] += time.perf_counter() - wall
            seen[1] += time.process_time() - cpu


def _event_file(folder: Path) -> Path:
    return next((folder / "landing" / "omnisend" / "events").rglob("*.ndjson"))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


# -- floors ------------------------------------------------------------------------------------------------------------


def orjson_parse(folder: Path, watch: Watch) -> dict[str, Any]:
    """Every line to Python objects, and nothing else."""
    import orjson

    rows = bad = 0
    with watch.part("all"):
        for line in _lines(_event_file(folder)):
            try:
                orjson.loads(line)
                rows += 1
            except orjson.JSONDecodeError:
                bad += 1
    return {"rows": rows, "rejected": bad}


def polars_decode(folder: Path, watch: Watch) -> dict[str, Any]:
    """Every line to Polars columns; bad lines taken out before, because one ends it."""
    import polars as pl

    lines = [line for line in _lines(_event_file(folder)) if line.endswith(b"}\n")]
    from orchestration.vendors import discover

    dtype = discover()["omnisend"].streams["events"].dialects[0].compiled.dtype
    with watch.part("all"):
        for start in range(0, len(lines), 16_384):
            pl.Series(lines[start : start + 16_384], dtype=pl.Binary).cast(pl.String).str.json_decode(dtype)
    return {"rows": len(lines)}


def _reader(folder: Path) -> str:
    return (
        f"read_json('{_event_file(folder)}', format = 'newline_delimited', ignore_errors = true, columns = {COLUMNS!r})"
    )


def duckdb_parse(folder: Path, watch: Watch) -> dict[str, Any]:
    """DuckDB's reader with explicit columns, nothing written: the limit."""
    import duckdb

    con = duckdb.connect(config={"threads": 2})
    with watch.part("all"):
        row = con.execute(f"select count(*), count(hash(events)) from {_reader(folder)} as events").fetchone()
    return {"rows": row[0] if row else 0}


def duckdb_tables(folder: Path, watch: Watch) -> dict[str, Any]:
    """The same into two typed tables, events and lines; a bad line is a row of nulls, nothing is accounted for."""
    import duckdb

    con = duckdb.connect(str(folder / "floor.duckdb"), config={"threads": 2, "preserve_insertion_order": False})
    with watch.part("all"):
        con.execute(f"create table nested as select row_number() over () as event_no, * from {_reader(folder)}")
        con.execute(
            'create table events as select event_no, eventName, eventTime, eventID, origin, contact.*, properties, "order".* from nested'
        )
        con.execute("create table lines as select event_no, unnest(lineItems, recursive := true) from nested")
        con.execute("drop table nested")
        con.execute("checkpoint")
    return {"rows": con.execute("select count(*) from events").fetchall()[0][0]}


def orjson_pipeline(folder: Path, watch: Watch) -> dict[str, Any]:
    """What one would write: a loop over lines, tuples, and DuckDB tables, in batches."""
    import duckdb
    import orjson
    import polars as pl

    con = duckdb.connect(str(folder / "floor.duckdb"), config={"threads": 2, "preserve_insertion_order": False})
    events: list[tuple[Any, ...]] = []
    items: list[tuple[Any, ...]] = []
    rejects: list[tuple[int, bytes]] = []

    def flush() -> None:
        kinds = dict.fromkeys(NUMBERS, pl.Float64) | {"event_no": pl.Int64, "quantity": pl.Int64}
        names = {
            "events": ("event_no", *EVENT_FIELDS, "email", "properties", *ORDER_FIELDS),
            "lines": ("event_no", *ITEM_FIELDS),
        }
        for table, rows in (("events", events), ("lines", items)):
            frame = pl.DataFrame(rows, schema={name: kinds.get(name, pl.String) for name in names[table]}, orient="row")
            con.register("handed", _Handed(frame))
            con.execute(f"create table if not exists {table} as select * from handed limit 0")
            con.execute(f"insert into {table} select * from handed")
            con.unregister("handed")
            rows.clear()

    with watch.part("all"):
        for number, line in enumerate(_lines(_event_file(folder))):
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                rejects.append((number, line))
                continue
            order = event.get("order") or {}
            contact = event.get("contact") or {}
            reported = [event.get(name) for name in EVENT_FIELDS]
            events.append(
                (
                    number,
                    *reported,
                    contact.get("email"),
                    orjson.dumps(event.get("properties")).decode(),
                    *(_number(name, order.get(name)) for name in ORDER_FIELDS),
                )
            )
            for item in event.get("lineItems") or ():
                items.append((number, *(_number(name, item.get(name)) for name in ITEM_FIELDS)))
            if len(events) == 20_000:
                flush()
        flush()
        con.execute("checkpoint")
    return {"rows": con.execute("select count(*) from events").fetchall()[0][0], "rejected": len(rejects)}


def _number(name: str, value: Any) -> Any:
    return float(value) if value is not None and name in NUMBERS else value


class _Handed:
    """Hands a frame to DuckDB by the Arrow interface."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def dlt_pipeline(folder: Path, watch: Watch) -> dict[str, Any]:
    """dlt with its fastest loader, on the first 10,000 lines."""
    import dlt
    import orjson

    @dlt.resource(name="events")
    def events() -> Iterator[Any]:
        for number, line in enumerate(_lines(_event_file(folder))):
            if number == 10_000:
                return
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                continue

    pipeline = dlt.pipeline(
        "floor", destination=dlt.destinations.duckdb(str(folder / "dlt.duckdb")), pipelines_dir=str(folder / "dlt")
    )
    size = sum(len(line) for _, line in zip(range(10_000), _lines(_event_file(folder)), strict=False))
    with watch.part("all"):
        pipeline.run(events(), loader_file_format="parquet")
    return {"rows": 10_000, "bytes": size}


def least_load(folder: Path, watch: Watch) -> dict[str, Any]:
    """What no normaliser of this design can do without: each record validated and hashed by its content once, decoded by
    Polars once, and the rows of the staging tables, lying ready, written by DuckDB once. Nothing is made of a value."""
    from hashlib import sha256

    import duckdb
    import msgspec
    import polars as pl

    from orchestration.canonical.canonical_json import canonical
    from orchestration.canonical.tables import TABLES
    from orchestration.config import settings
    from orchestration.vendors import discover
    from orchestration.warehouse import build_file
    from orchestration.warehouse.ddl import staging_ddl

    ingest(folder, Watch())
    found = settings.load(folder)
    ready = folder / "ready"
    ready.mkdir()
    with build_file.connect(found, read_only=True) as con:
        filled = [name for name in TABLES if con.execute(f"select 1 from staging.{name} limit 1").fetchall()]
        for name in filled:
            con.execute(f"copy staging.{name} to '{ready}/{name}.parquet' (compression lz4_raw)")
    compiled = discover()["omnisend"].streams["events"].dialects[0].compiled
    documents = []
    with watch.part("all"), watch.part("validate and hash"):
        for line in _lines(_event_file(folder)):
            try:
                compiled.strict.decode(line)
            except msgspec.MsgspecError:
                continue
            document = canonical(line)
            sha256(document).digest()
            documents.append(document)
    with watch.part("all"), watch.part("decode"):
        for start in range(0, len(documents), 1_000):
            pl.Series(documents[start : start + 1_000], dtype=pl.Binary).cast(pl.String).str.json_decode(compiled.dtype)
    con = duckdb.connect(str(folder / "floor.duckdb"), config={"threads": 2})
    con.execute("create schema staging;" + staging_ddl())
    with watch.part("all"), watch.part("write"):
        for name in filled:
            con.execute(f"insert into staging.{name} select * from read_parquet('{ready}/{name}.parquet')")
        con.execute("checkpoint")
    return {"rows": len(documents)}


# -- ours --------------------------------------------------------------------------------------------------------------


def ingest(folder: Path, watch: Watch) -> dict[str, Any]:
    """All that has landed to staging: validated, accounted for, logged."""
    from orchestration.config import settings
    from orchestration.landing import landing_zone
    from orchestration.loading import load_log
    from orchestration.loading.loader import Warehouse
    from orchestration.warehouse import build_file

    found = settings.load(folder)
    warehouse = Warehouse(found)
    scan = landing_zone.scan(found)
    with watch.part("all"), build_file.connect(found) as con:
        outcomes = warehouse.ingest(
            con, load_log.pending(con, scan, dates=None, full_refresh=False), run_id="benchmark"
        )
    return {
        "rows": sum(outcome.rows_read for outcome in outcomes),
        "loaded": sum(outcome.rows_loaded for outcome in outcomes),
        "rejected": sum(outcome.rows_rejected for outcome in outcomes),
        "duplicate": sum(outcome.rows_duplicate for outcome in outcomes),
    }


def night(folder: Path, watch: Watch) -> dict[str, Any]:
    """The whole nightly job, step by step."""
    with watch.part("imports"):
        from orchestration import pipeline
        from orchestration.config import settings
    found = settings.load(folder)
    found_in: dict[str, Any] = {}
    steps: dict[str, Callable[..., Any]] = {}

    def reported(step: str) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            with watch.part(step):
                found_in[step] = steps[step](*given, **named)
                return found_in[step]

        return timed

    for step in ("ingest", "transform", "publish_if_new"):
        steps[step] = getattr(pipeline, step)
        setattr(pipeline, step, reported(step))
    lines: list[str] = []
    with watch.part("all"):
        report = pipeline.run(found, progress=lines.append)
    nodes = found_in["transform"]
    slowest = [(node.name, node.seconds) for node in sorted(nodes, key=lambda node: -node.seconds)[:15]]
    affected = next((line.split(" records")[0] for line in lines if "are affected" in line), "")
    return {**report.figures, "rows": report.rows_read, "nodes": len(nodes), "slowest": slowest, "affected": affected}


def replace_day(folder: Path, watch: Watch) -> dict[str, Any]:
    """The last night of every vendor delivered again with one byte more: its rows taken out and put in anew."""
    from orchestration.config import settings
    from orchestration.landing import landing_zone
    from orchestration.loading.loader import Warehouse
    from orchestration.warehouse import build_file

    found = settings.load(folder)
    scan = landing_zone.scan(found)
    last = max(file.export_date for file in scan.files)
    files = [file for file in scan.files if file.export_date == last]
    warehouse = Warehouse(found)
    rows = 0
    with build_file.connect(found) as con:
        for file in files:
            with watch.part("all"):
                rows += sum(outcome.rows_read for outcome in warehouse.ingest(con, [file], run_id="benchmark"))
    watch.parts["each"] = [seconds / len(files) for seconds in watch.parts["all"]]
    return {"rows": rows, "files": len(files)}


QUERIES = {
    "one customer's orders": "select * from orders where customer_id = (select customer_id from orders limit 1 offset 12345) order by ordered_at",
    "revenue by month": "select date_trunc('month', order_date) as month, sum(total), count(*) from orders group by month order by month",
    "best customers": "select customer_id, sum(total) as revenue from orders group by customer_id order by revenue desc limit 100",
    "customers by city": "select city, count(*) from published.marts.dim_customers group by city",
}


def queries(folder: Path, watch: Watch) -> dict[str, Any]:
    """An analyst's questions to ten million orders: the published ones, as often as it takes."""
    import duckdb

    con = duckdb.connect(str(folder / "analyst.duckdb"), config={"threads": 2})
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"attach '{folder / 'warehouse.duckdb'}' as published (read_only)")
    columns = {
        row[0] for row in con.execute("select column_name from (describe published.marts.fct_orders)").fetchall()
    }
    total = next(name for name in ("total_amount_reporting", "total_amount") if name in columns)
    orders = con.execute("select count(*) from published.marts.fct_orders").fetchall()[0][0]
    times = max(1, 10_000_000 // max(1, orders))
    con.execute(
        f"create or replace table orders as select customer_id, ordered_at, order_date, {total} as total, status, concat(order_id, copies.i) as order_id "
        f"from published.marts.fct_orders cross join (select unnest(range({times})) as i) as copies order by ordered_at"
    )
    for name, query in QUERIES.items():
        con.execute(query).fetchall()
        with watch.part(name):
            con.execute(query).fetchall()
    return {"rows": orders * times}


def truth(folder: Path, watch: Watch) -> dict[str, Any]:
    """How many orders of the published warehouse differ from what was made."""
    import duckdb

    con = duckdb.connect(config={"threads": 2})
    con.execute("set TimeZone = 'UTC'")
    con.execute(f"attach '{folder / 'warehouse.duckdb'}' as published (read_only)")
    with watch.part("all"):
        row = con.execute(
            f"""
            select
                count(*),
                count(*) filter (found.order_id is null),
                count(*) filter (found.total_amount is distinct from made.total),
                count(*) filter (found.currency is distinct from made.currency),
                count(*) filter ((found.status = 'canceled') is distinct from (made.fate = 'canceled')),
                count(*) filter ((found.status = 'refunded') is distinct from (made.fate = 'refunded'))
            from read_parquet('{folder}/truth/orders.parquet') as made
            left join published.marts.fct_orders as found on made.number = found.order_number
            """
        ).fetchall()[0]
        found = con.execute("select count(*) from published.marts.fct_orders").fetchall()[0][0]
        persons = con.execute(
            f"""
            with
                made as (
                    select distinct email from read_parquet('{folder}/truth/persons.parquet')
                    union select distinct email from read_parquet('{folder}/truth/orders.parquet') where person is null
                ),
                found as (
                    select identifier_value as email, min(customer_id) as customer_id, count(distinct customer_id) as times
                    from published.marts.bridge_customer_identifiers where identifier_type = 'email' group by identifier_value
                )
            select count(*), count(distinct found.customer_id), count(*) filter (found.times > 1) from made left join found using (email)
            """
        ).fetchall()[0]
    names = ("made", "missing", "other_total", "other_currency", "other_cancellation", "other_refund")
    reported = dict(zip(("persons_made", "persons_found", "persons_split"), persons, strict=True))
    return {"rows": found, **dict(zip(names, row, strict=True)), **reported}


CASES: dict[str, Callable[[Path, Watch], dict[str, Any]]] = {
    case.__name__: case
    for case in (
        orjson_parse,
        polars_decode,
        duckdb_parse,
        duckdb_tables,
        orjson_pipeline,
        dlt_pipeline,
        least_load,
        ingest,
        night,
        replace_day,
        queries,
        truth,
    )
}


def main() -> None:
    watch = Watch()
    found = CASES[sys.argv[1]](Path(sys.argv[2]), watch)
    print(json.dumps({**found, "seconds": watch.parts}, default=str))


if __name__ == "__main__":
    main()
