"""HTML for pages that must work without a network: every value is escaped by `Markup.format`, styles stand in the page,
nothing is loaded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from orchestration.insight.figures import Answer

NO_MARKUP = Markup()
NOTHING = Markup('<p class="empty">Nothing of the kind.</p>')
STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --muted: #656d76; --line: #d8dee4; --ground: #ffffff; --panel: #f6f8fa; --accent: #0b62c4;
  --c0: #0b62c4; --c1: #c4560b; --c2: #2a8a57; --c3: #8250bf; --c4: #b3306a; --c5: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --muted: #9198a1; --line: #3d444d; --ground: #0d1117; --panel: #151b23; --accent: #58a6ff;
  --c0: #58a6ff; --c1: #f0883e; --c2: #56d364; --c3: #bc8cff; --c4: #f778ba; --c5: #9198a1; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; align-items: center;
  padding: .7rem 1.5rem; background: var(--panel); border-bottom: 1px solid var(--line); }
nav a { color: var(--ink); text-decoration: none; } nav a[aria-current] { font-weight: 600; border-bottom: 2px solid var(--accent); }
nav form { margin-left: auto; }
main { max-width: 78rem; margin: 0 auto; padding: 1rem 1.5rem 3rem; }
h1 { font-size: 1.5rem; margin: .6rem 0; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .5rem; }
a { color: var(--accent); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .7rem; }
.tile { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.3rem; font-weight: 600; overflow-wrap: anywhere; }
.tile span, .note, figcaption, .empty { color: var(--muted); font-size: .87rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th { text-align: left; color: var(--muted); font-weight: 500; }
th, td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; padding-right: 1.4rem; font-variant-numeric: tabular-nums; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .8rem; overflow-x: auto; font-size: .82rem; }
figure { margin: .4rem 0; } svg { max-width: 100%; height: auto; display: block; } svg text { fill: var(--muted); font: 11px system-ui, sans-serif; }
svg text.value { fill: var(--ink); } svg text.on { fill: #ffffff; } svg line { stroke: var(--line); }
.s0 { fill: var(--c0); } .s1 { fill: var(--c1); } .s2 { fill: var(--c2); } .s3 { fill: var(--c3); } .s4 { fill: var(--c4); } .s5 { fill: var(--c5); }
input { font: inherit; padding: .3rem .5rem; border: 1px solid var(--line); border-radius: 5px;
  background: var(--ground); color: var(--ink); min-width: 16rem; }
button { font: inherit; padding: .3rem .7rem; border: 1px solid var(--line); border-radius: 5px; background: var(--panel); color: var(--ink); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 0 2rem; }
details { margin: .6rem 0; } summary { color: var(--muted); cursor: pointer; }
ul.sentences { padding-left: 1.2rem; } ul.sentences li { margin: .25rem 0; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{head}
<main>
{body}
</main>
{script}
</body>
</html>
"""

Shown = Callable[[Any, Mapping[str, Any]], Markup]


def page(title: str, *parts: Markup, head: Markup = NO_MARKUP, script: Markup = NO_MARKUP) -> str:
    """A whole page in one text."""
    return str(Markup(PAGE).format(title=title, style=Markup(STYLE), head=head, body=joined(parts), script=script))


def joined(parts: Iterable[Markup]) -> Markup:
    """Parts one below the other."""
    return Markup("\n").join(parts)


def section(title: str, *parts: Markup, note: str = "") -> Markup:
    """A heading and what stands under it."""
    reported = Markup('<p class="note">{}</p>').format(note) if note else Markup()
    return Markup("<section><h2>{}</h2>{}{}</section>").format(title, reported, joined(parts))


def tiles(figures: Mapping[str, object]) -> Markup:
    """Large numbers with their names."""
    found = (
        Markup('<div class="tile"><span>{}</span><b data-figure="{}">{}</b></div>').format(name, name, shown(value))
        for name, value in figures.items()
    )
    return Markup('<div class="tiles">{}</div>').format(Markup().join(found))


def table(answer: Answer, *, special: Mapping[str, Shown] | None = None, hidden: Sequence[str] = ()) -> Markup:
    """An answer as a table; `special` says how the values of a column are shown where that is not as they are."""
    if not answer.rows:
        return NOTHING
    columns = [name for name in answer.columns if name not in hidden]
    numeric = {name for name in columns if any(is_number(value) for value in answer.column(name))}
    head = Markup().join(
        Markup("<th{}>{}</th>").format(_right(name in numeric), name.replace("_", " ")) for name in columns
    )
    body = Markup().join(
        _row(dict(zip(answer.columns, row, strict=True)), columns, numeric, special or {}) for row in answer.rows
    )
    return Markup('<div class="wide"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        head, body
    )


def folded(part: Markup, title: str = "as a table") -> Markup:
    """A part that opens when somebody asks for it."""
    return Markup("<details><summary>{}</summary>{}</details>").format(title, part)


def _row(row: Mapping[str, Any], columns: Sequence[str], numeric: set[str], special: Mapping[str, Shown]) -> Markup:
    cells = (
        Markup("<td{}>{}</td>").format(
            _right(name in numeric), special[name](row[name], row) if name in special else shown(row[name])
        )
        for name in columns
    )
    return Markup("<tr>{}</tr>").format(Markup().join(cells))


def _right(is_right: bool) -> Markup:
    return Markup(' class="n"') if is_right else Markup()


def facts(found: Mapping[str, object]) -> Markup:
    """Names with their values, one a line."""
    rows = (Markup("<tr><th>{}</th><td>{}</td></tr>").format(name, shown(value)) for name, value in found.items())
    return Markup('<div class="wide"><table class="facts"><tbody>{}</tbody></table></div>').format(Markup().join(rows))


def sentences(reported: Sequence[str], *, otherwise: str = "Nothing.") -> Markup:
    """Sentences as a list."""
    items = Markup().join(Markup("<li>{}</li>").format(sentence) for sentence in reported or [otherwise])
    return Markup('<ul class="sentences">{}</ul>').format(items)


def text(lines: Iterable[str]) -> Markup:
    """Lines as a terminal would show them."""
    return Markup("<pre>{}</pre>").format("\n".join(lines))


def link(to: str, label: object) -> Markup:
    """A link within the dashboard."""
    return Markup('<a href="{}">{}</a>').format(to, shown(label))


def percent(value: float | Decimal | None, _: object = None) -> Markup:
    """A share as a percentage."""
    return Markup("–") if value is None else Markup("{}").format(f"{value:.1%}")


def is_number(value: object) -> bool:
    """Numbers and amounts, which stand to the right."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def shown(value: object) -> str | Markup:
    """Any value as a page shows it."""
    match value:
        case Markup():
            return value
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case Decimal():
            return f"{value:,.2f}"
        case float():
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(map(str, value))
    return str(value)
