"""The pages of the dashboard, each from the figures; the report is made of the same parts."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import duckdb
from markupsafe import Markup

from orchestration.insight import charts, contactability, explanation, figures, markup, people
from orchestration.insight.figures import Answer, ask
from orchestration.insight.markup import percent, section
from orchestration.monitoring import attention, schema_drift
from orchestration.publishing import change_report
from orchestration.publishing.change_report import Changes
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts
from orchestration.runtime.wording import counted

Query = Mapping[str, str]
Page = Callable[[duckdb.DuckDBPyConnection, Query], Markup]

PEOPLE = ("person", "people")
LISTED_VERDICTS = ("mismatch", "stale", "inconsistent_at_source", "explained", "not_comparable", "match")


def overview(con: duckdb.DuckDBPyConnection, _: Query) -> Markup:
    """People, buyers, revenue and what became of them since the last publication."""
    return markup.joined([headline(con), changed(con), revenue(con), *parts_of_business(con), to_look_at(con)])


def headline(con: duckdb.DuckDBPyConnection) -> Markup:
    """The figures that everybody asks for first."""
    found = ask(con, figures.OVERVIEW).first
    reported = {
        "people": found["people"],
        "buyers": found["buyers"],
        "orders": found["orders"],
        f"revenue {found['currency'] or ''}".strip(): found["revenue"],
        "average order value": found["average_order_value"],
        "repeat rate": percent(found["repeat_rate"]),
    }
    heading = Markup("<h1>Overview</h1><p class='note'>As of {}. Valid orders only, in {}.</p>").format(
        markup.shown(found["as_of"]), found["currency"] or "the reporting currency"
    )
    return heading + markup.tiles(reported)


def changed(con: duckdb.DuckDBPyConnection) -> Markup:
    """What this publication changed of the one before."""
    run = ask(con, figures.LAST_RUN).first
    reported = list(change_report.lines(Changes(**json.loads(run["changes"])))) if run["changes"] else []
    note = f"Published by {run['command']}, begun {markup.shown(run['started_at'])} UTC." if run["run_id"] else ""
    return section(
        "Since the last publication",
        markup.sentences(reported, otherwise="It is the first, or nothing changed."),
        note=note,
    )


def revenue(con: duckdb.DuckDBPyConnection) -> Markup:
    """Revenue by month and vendor, drawn and in figures."""
    found = ask(con, figures.MONTHS_BY_VENDOR)
    currency = ask(con, figures.OVERVIEW).first["currency"] or ""
    months = ask(con, figures.MONTHS)
    return section(
        f"Revenue by month and vendor, {currency}",
        charts.columns(
            {(f"{month:%Y-%m}", vendor): amount for month, vendor, amount in found.rows if month},
            unit=(currency, currency),
        ),
        markup.table(months, special={"month": _month}),
        note=f"All valid orders by business day, of the last {figures.MONTHS_SHOWN} months with any.",
    )


def parts_of_business(con: duckdb.DuckDBPyConnection) -> list[Markup]:
    """By vendor, by stage, and whom one may write to."""
    stages = ask(con, figures.STAGES)
    return [
        section(
            "By vendor",
            markup.table(ask(con, figures.VENDORS)),
            note="Orders and revenue count for the vendor that an order takes its figures from.",
        ),
        section(
            "Life-cycle stages",
            charts.bars([(stage, count) for stage, count, _ in stages.rows], unit=PEOPLE),
            markup.table(stages),
        ),
        section(
            "Who may be contacted, by channel",
            markup.table(ask(con, figures.CONTACTABILITY)),
            note="For marketing, of whom anything is known.",
        ),
    ]


def to_look_at(con: duckdb.DuckDBPyConnection, reported: Sequence[str] | None = None) -> Markup:
    """What needs a person: as given, else as the run that published said."""
    if reported is None:
        reported = attention.parsed([ask(con, figures.LAST_RUN).first["attention"]])
    return section(
        "What needs a person", markup.sentences([*reported, *schema_drift.warnings(con)], otherwise="Nothing.")
    )


def customers(con: duckdb.DuckDBPyConnection, query: Query) -> Markup:
    """Everybody, or whom one searches for."""
    wanted, offset = query.get("q", ""), _whole(query.get("from", ""))
    found = people.search(con, wanted, offset=offset)
    total = found.first["people_found"] or 0
    field = (
        '<input name="q" value="{}" placeholder="name, e-mail, phone, any id, order number" aria-label="search"'
        " autofocus>"
    )
    form = Markup('<form action="/customers">' + field + " <button>Search</button></form>").format(wanted)
    shown = markup.table(found, special={"customer_id": _customer_link}, hidden=("people_found",))
    count = Markup('<p class="note" data-figure="found">{}</p>').format(counted(total, *PEOPLE))
    return markup.joined([Markup("<h1>Customers</h1>"), form, count, shown, _further(wanted, offset, total)])


def profile(con: duckdb.DuckDBPyConnection, query: Query) -> Markup:
    """One person: who, contactable how, worth what, and why these records are one."""
    customer_id = _current_id(con, query["id"])
    who = ask(con, people.WHO, [customer_id]).first
    insights = ask(con, people.INSIGHTS, [customer_id]).first
    forecast = ask(con, people.FORECAST, [customer_id]).first
    columns = Markup('<div class="columns">{}{}</div>').format(
        section("Who", markup.facts(_filled(who)), markup.text([customer_id])),
        section(
            "Figures",
            markup.facts(_filled(insights)),
            markup.facts(_filled(forecast, without=("reporting_currency", "as_of_date"))),
        ),
    )
    return markup.joined(
        [
            Markup("<h1>{}</h1>").format(who["full_name"] or who["email"] or customer_id[:12]),
            columns,
            section("Where marketing may be sent", markup.sentences(list(contactability.lines(con, customer_id)))),
            _engagement(con, customer_id, insights["engagement_score"]),
            *(section(title, markup.table(ask(con, asked, [customer_id]))) for title, asked in PROFILE_TABLES.items()),
            _why(con, customer_id),
        ]
    )


PROFILE_TABLES = {
    "Orders": people.ORDERS,
    "What happened": people.TIMELINE,
    "Consents": people.CONSENTS,
    "Segments": people.SEGMENTS,
    "Reviews": people.REVIEWS,
    "Identifiers": people.IDENTIFIERS,
    "Records behind the person": people.RECORDS,
}


def _engagement(con: duckdb.DuckDBPyConnection, customer_id: str, score: float | None) -> Markup:
    found = ask(con, people.ENGAGEMENT, [customer_id])
    counted, k = sum(found.column("counted")), found.first["k"] or 1
    note = (
        f"100 × (1 - e^(-{counted:,.4f} / {k:g})) = {score or 0:,.2f}. Worth halves every half-life and counts up to"
        " the cap of its class."
    )
    return section("How the engagement score is made up", markup.table(found, hidden=("k",)), note=note)


def _why(con: duckdb.DuckDBPyConnection, customer_id: str) -> Markup:
    """The proof as `c360 explain` shows it, and the commands for whoever knows better."""
    try:
        explanation.require_proofs(con)
        reported = explanation.of_person(
            con, explanation.Wording(show=True, all=False), asked=customer_id, customer_id=customer_id
        )
        proof = markup.text(reported)
    except OperatorError as error:
        proof = markup.sentences([str(error)])
    others = ask(con, people.RECORDS, [customer_id])
    apart = [
        "/".join(row[:4])
        for row in others.rows
        if not row[others.columns.index("is_anchor")] and row[others.columns.index("stream")] != "derived"
    ]
    split = (
        f"c360 split {customer_id} --records {shlex.quote(apart[0] if apart else 'VENDOR/ACCOUNT/STREAM/ID')} --by YOU"
        " --reason WHY"
    )
    return section(
        "Why these records are one person",
        proof,
        markup.text([split, f"c360 merge {customer_id} OTHER_ID --by YOU --reason WHY"]),
        note="Whoever knows better types one of the commands below; they show what would change, and ask.",
    )


def cohorts(con: duckdb.DuckDBPyConnection, _: Query) -> Markup:
    """Of those who first bought in a month, who bought again how much later."""
    found = ask(con, figures.COHORTS)
    rows = {f"{cohort:%Y-%m} ({buyers:,})": None for cohort, buyers, _, _ in found.rows}
    shares = {(f"{cohort:%Y-%m} ({buyers:,})", str(number)): share for cohort, buyers, number, share in found.rows}
    places = [str(number) for number in sorted({number for _, _, number, _ in found.rows})]
    drawn = charts.grid(list(rows), places, shares, {key: f"{share:.0%}" for key, share in shares.items()}, left=140)
    note = "Month of the first valid order (buyers), and the share of them with a valid order so many months later."
    return Markup("<h1>Cohorts and retention</h1>") + section(
        "Who came back",
        drawn,
        markup.folded(markup.table(found, special={"cohort": _month, "retention": percent})),
        note=note,
    )


def rfm(con: duckdb.DuckDBPyConnection, _: Query) -> Markup:
    """Buyers by recency and frequency."""
    found = ask(con, figures.RFM)
    most = max(found.column("buyers"), default=1)
    rows, places = [f"recency {score}" for score in range(5, 0, -1)], [f"frequency {score}" for score in range(1, 6)]
    cells = {
        (f"recency {recency}", f"frequency {frequency}"): (buyers, amount)
        for recency, frequency, buyers, amount in found.rows
    }
    drawn = charts.grid(
        rows,
        places,
        {key: buyers / most for key, (buyers, _) in cells.items()},
        {key: f"{buyers:,} · {amount:,.0f}" for key, (buyers, amount) in cells.items()},
        left=110,
        cell_height=54,
    )
    note = "Quintiles of all buyers, 5 is best. In each cell: buyers · revenue."
    return Markup("<h1>RFM</h1>") + section(
        "Recency by frequency", drawn, markup.folded(markup.table(found)), note=note
    )


def segments(con: duckdb.DuckDBPyConnection, _: Query) -> Markup:
    """Segments by size, and who is in two of them."""
    found = ask(con, figures.SEGMENTS)
    overlap = ask(con, figures.OVERLAP)
    names = {
        name: f"{number}  {vendor}: {label}"[:40]
        for number, (name, vendor, label) in enumerate(sorted(set(_named(overlap))), start=1)
    }
    places = {name: str(number) for number, name in enumerate(names, start=1)}
    shares = {(names[one], places[other]): share for one, _, _, other, _, share in overlap.rows}
    counts = {(names[one], places[other]): f"{count:,}" for one, _, _, other, count, _ in overlap.rows}
    drawn = charts.grid(list(names.values()), list(places.values()), shares, counts)
    largest = [(f"{row[0]}: {row[2] or row[1]}"[:40], row[4]) for row in found.rows[: figures.SEGMENTS_SHOWN]]
    return markup.joined(
        [
            Markup("<h1>Segments</h1>"),
            section(
                "Members now",
                charts.bars(largest, unit=PEOPLE),
                markup.table(found, special={"share_of_people": percent}),
            ),
            section(
                "Overlap of the largest",
                drawn,
                note="People of the row's segment who are in the column's too; deeper: a larger share of the row.",
            ),
        ]
    )


def _named(overlap: Answer) -> Iterator[tuple[str, str, str]]:
    for segment, vendor, name, *_ in overlap.rows:
        yield segment, vendor, name


def reconciliation(con: duckdb.DuckDBPyConnection, query: Query) -> Markup:
    """What vendors report, beside ours, and why they differ."""
    chosen = query.get("verdict", LISTED_VERDICTS[0])
    totals = ask(con, figures.VERDICT_TOTALS)
    listed = ask(con, figures.DIFFERING, {"verdict": chosen})
    to_verdict = {"verdict": lambda value, _: markup.link(f"/reconciliation?{urlencode({'verdict': value})}", value)}
    return markup.joined(
        [
            Markup("<h1>Reconciliation</h1>"),
            section(
                "Verdicts",
                charts.bars([(verdict, count) for verdict, count in totals.rows], unit=("figure", "figures")),
                markup.table(totals, special=to_verdict),
            ),
            section(
                f"Figures judged {chosen}",
                markup.table(listed, special={"customer_id": _customer_link}),
                note=f"The {figures.ROWS_SHOWN} with the largest difference.",
            ),
            section("By vendor and metric", markup.table(ask(con, figures.VERDICTS), special=to_verdict)),
        ]
    )


def quality(con: duckdb.DuckDBPyConnection, _: Query) -> Markup:
    """How good the data are: the row counts, what was rejected, what changed its shape, and what contradicts."""
    return markup.joined([Markup("<h1>Data quality</h1>"), *row_counts(con), *doubts(con)])


def row_counts(con: duckdb.DuckDBPyConnection) -> list[Markup]:
    """What was read and what became of it."""
    found = ask(con, figures.ROW_COUNTS).first
    by_date = ask(con, figures.ROWS_BY_EXPORT_DATE)
    return [
        markup.tiles({name.replace("_", " "): value for name, value in found.items()}),
        section(
            "Rows by export date and vendor",
            charts.columns(
                {(str(export_date), vendor): count for export_date, vendor, count in by_date.rows}, unit=("row", "rows")
            ),
        ),
        rejects(con),
        section("Deliveries by stream", markup.table(ask(con, figures.DELIVERIES))),
    ]


def rejects(con: duckdb.DuckDBPyConnection) -> Markup:
    """Why records were rejected."""
    note = "`c360 rejects` shows one example each, `c360 replay` loads them again once the cause is fixed."
    return section("Rejected records", markup.table(ask(con, figures.REJECTS), special={"field": _field}), note=note)


def doubts(con: duckdb.DuckDBPyConnection) -> list[Markup]:
    """What was corrected, contradicts, is shared by too many, or is not modelled."""
    return [
        section(
            "Exports that changed their shape",
            markup.table(ask(con, figures.DRIFT), special={"field": _field}),
            note="Nothing of it is lost.",
        ),
        section("Values corrected or set aside", markup.table(ask(con, figures.ISSUES), special={"field": _field})),
        section("Orders that vendors report differently", markup.table(ask(con, figures.CONFLICTS))),
        section(
            "Identifiers that too many people share", markup.table(ask(con, figures.SHARED)), note="They link nobody."
        ),
        section(
            "Fields without a column of their own",
            markup.table(ask(con, figures.UNREAD_FIELDS), special={"field": _field}),
            note="Kept in `extra`.",
        ),
    ]


def _customer_link(value: str | None, _: Mapping[str, Any]) -> Markup:
    return markup.link(f"/customers/{quote(value, safe='')}", value[:12]) if value else Markup("–")


def _month(value: date | None, _: Mapping[str, Any]) -> Markup:
    return Markup("{}").format(f"{value:%Y-%m}" if value else "–")


def _field(value: str | None, _: Mapping[str, Any]) -> Markup:
    """The name of a field, which a vendor may have named after a person."""
    return Markup("{}").format(without_contacts(value) if value else "–")


def _further(wanted: str, offset: int, total: int) -> Markup:
    """Links to the pages before and after."""
    before, after = max(0, offset - people.PAGE_SIZE), offset + people.PAGE_SIZE
    links = [
        *([markup.link(f"/customers?{urlencode({'q': wanted, 'from': before})}", "before")] if offset else []),
        *([markup.link(f"/customers?{urlencode({'q': wanted, 'from': after})}", "further")] if after < total else []),
    ]
    return Markup("<p>{}</p>").format(Markup(" · ").join(links))


def _current_id(con: duckdb.DuckDBPyConnection, asked: str) -> str:
    """The person an id leads to today."""
    row = con.execute(
        "select customer_id from marts.customer_id_aliases where alias_id = $1 and customer_id is not null", [asked]
    ).fetchone()
    if row is None:
        raise OperatorError(
            "Nobody of that id is in the published warehouse.",
            remedy="Search for the person on the page of customers.",
            exit_code=2,
        )
    return row[0]


def _filled(found: Mapping[str, object], *, without: Sequence[str] = ()) -> dict[str, object]:
    """What is known, by readable names; the id stands elsewhere."""
    return {
        name.replace("_", " "): value
        for name, value in found.items()
        if value not in (None, []) and name not in ("customer_id", *without)
    }


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
