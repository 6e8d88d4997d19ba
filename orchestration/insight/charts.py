"""Pictures as inline SVG: they need no script and no network, print, and show each value when one points at it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import floor, log10

from markupsafe import Markup

from orchestration.insight import markup

WIDTH = 1000
HEIGHT = 260
LEFT, BOTTOM, TOP = 70, 24, 12
SERIES = 6
BAR, GAP = 22, 6
LABEL = 260
CELL_HEIGHT = 30

Number = float | int | Decimal


# The unit of one, and of any other number of them.
Unit = tuple[str, str]


def columns(points: Mapping[tuple[str, str], Number], *, unit: Unit = ("", "")) -> Markup:
    """Stacked columns: a column per first part of the key, a colour per second part."""
    if not points:
        return markup.NOTHING
    places = list(dict.fromkeys(place for place, _ in points))
    series = sorted({name for _, name in points})
    highest = max(sum(max(0.0, float(points.get((place, name), 0))) for name in series) for place in places)
    step = (WIDTH - LEFT) / len(places)
    drawn = [_scale(highest)]
    for number, place in enumerate(places):
        drawn.append(_column(points, place, series, LEFT + number * step, step, highest, unit))
        if number % max(1, len(places) // 12) == 0:
            drawn.append(_text(LEFT + (number + 0.5) * step, HEIGHT - 6, place, anchor="middle"))
    return _figure(WIDTH, HEIGHT, drawn, legend=series)


def _column(
    points: Mapping[tuple[str, str], Number],
    place: str,
    series: Sequence[str],
    left: float,
    step: float,
    highest: float,
    unit: Unit,
) -> Markup:
    width = min(step * 0.72, 70)
    top = float(HEIGHT - BOTTOM)
    parts = []
    for number, name in enumerate(series):
        value = points.get((place, name), 0)
        height = max(0.0, float(value)) / (highest or 1) * (HEIGHT - BOTTOM - TOP)
        top -= height
        if height:
            parts.append(
                _block(
                    left + (step - width) / 2,
                    top,
                    width,
                    height,
                    number,
                    f"{place}, {name}: {_measured(value, unit)}",
                )
            )
    return Markup().join(parts)


def _scale(highest: float) -> Markup:
    """Lines at round numbers."""
    step = _round_step(highest / 4)
    lines = []
    value = 0.0
    while value <= highest:
        y = HEIGHT - BOTTOM - value / (highest or 1) * (HEIGHT - BOTTOM - TOP)
        lines.append(Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDTH, y, y))
        lines.append(_text(LEFT - 8, y + 4, f"{value:,.0f}" if step >= 1 else f"{value:,.2f}", anchor="end"))
        value += step
    return Markup().join(lines)


def _round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten."""
    if about <= 0:
        return 1.0
    power = 10.0 ** floor(log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about)


def bars(values: Sequence[tuple[str, Number]], *, unit: Unit = ("", "")) -> Markup:
    """Horizontal bars with their names and values."""
    if not values:
        return markup.NOTHING
    longest = max(float(value) for _, value in values) or 1
    drawn = []
    for number, (name, value) in enumerate(values):
        y = number * (BAR + GAP)
        width = max(0.0, float(value)) / longest * (WIDTH - LABEL - 150)
        drawn.append(_text(LABEL - 10, y + BAR * 0.7, name, anchor="end"))
        drawn.append(_block(LABEL, y, max(width, 1), BAR, 0, f"{name}: {_measured(value, unit)}"))
        drawn.append(_text(LABEL + width + 8, y + BAR * 0.7, _measured(value, unit), kind="value"))
    return _figure(WIDTH, len(values) * (BAR + GAP), drawn)


def grid(
    rows: Sequence[str],
    places: Sequence[str],
    shares: Mapping[tuple[str, str], float],
    labels: Mapping[tuple[str, str], str],
    *,
    left: int = LABEL,
    cell_height: int = CELL_HEIGHT,
) -> Markup:
    """Cells with a depth of colour that says how large a share is; rows have names to the left, places names above."""
    if not rows or not places:
        return markup.NOTHING
    width = (WIDTH - left) / len(places)
    drawn = [_text(left + (number + 0.5) * width, 14, place, anchor="middle") for number, place in enumerate(places)]
    for row_number, row in enumerate(rows):
        y = 20 + row_number * cell_height
        drawn.append(_text(left - 10, y + cell_height * 0.62, row, anchor="end"))
        for number, place in enumerate(places):
            if (row, place) in shares:
                drawn.append(
                    _cell(
                        left + number * width,
                        y,
                        width,
                        cell_height,
                        shares[row, place],
                        f"{row}, {place}",
                        labels[row, place],
                    )
                )
    return _figure(WIDTH, 24 + len(rows) * cell_height, drawn)


def _cell(x: float, y: float, width: float, height: float, share: float, place: str, label: str) -> Markup:
    block = Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="s0" fill-opacity="{:.2f}"><title>{}:'
        " {}</title></rect>"
    ).format(x + 1, y + 1, width - 2, height - 2, 0.06 + 0.94 * min(1.0, max(0.0, share)), place, label)
    return block + _text(
        x + width / 2, y + height * 0.62, label, anchor="middle", kind="on" if share > 0.45 else "value"
    )


def _measured(value: Number, unit: Unit) -> str:
    one, many = unit
    return f"{markup.shown(value)} {one if value == 1 else many}".strip()


def _block(x: float, y: float, width: float, height: float, series: int, title: str) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="s{}"><title>{}</title></rect>'
    ).format(x, y, width, height, min(series, SERIES - 1), title.strip())


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>').format(x, y, anchor, kind, text)


def _figure(width: int, height: int, drawn: Sequence[Markup], *, legend: Sequence[str] = ()) -> Markup:
    key = Markup(" ").join(
        Markup(
            '<svg width="10" height="10" style="display:inline"><rect width="10" height="10" class="s{}"/></svg> {} '
        ).format(min(number, SERIES - 1), name)
        for number, name in enumerate(legend)
    )
    return Markup('<figure><svg viewBox="0 0 {} {}" role="img">{}</svg><figcaption>{}</figcaption></figure>').format(
        width, height, Markup().join(drawn), key
    )
