"""Exports of the five vendors at any size, with the truth beside them: `python -m benchmarks.generator --customers 10000 --events 50000 --out folder`.

The same seed gives the same bytes. Every order has one total and one person, whoever reports it; the mess around them
(cut lines, copies, unknown fields, numbers as text, guests, phones that two people share, untidy spelling) changes
neither. The truth stands in `truth/orders.parquet` and `truth/persons.parquet`.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

LAST_NIGHT = date(2026, 3, 31)
HISTORY_DAYS = 365
ORDERS_A_CHUNK = 40_000
PEOPLE_A_CHUNK = 100_000
PRODUCTS = 2_000
BIRTH_DATES = 20_000
FIRST_NAMES = (
    "Ana",
    "Bruno",
    "Carla",
    "Dmitri",
    "Emma",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kim",
    "Luca",
    "Mara",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sven",
    "Tara",
    "Uwe",
)
LAST_NAMES = (
    "Souza",
    "Keller",
    "Rossi",
    "Orlov",
    "Novak",
    "Haddad",
    "Lind",
    "Martin",
    "Lopez",
    "Weber",
    "Park",
    "Bianchi",
    "Moreau",
    "Silva",
    "Fischer",
    "Becker",
    "Costa",
    "Jansen",
    "Kaya",
    "Berg",
)
CITIES = ("Berlin", "Hamburg", "München", "Köln", "Leipzig", "Bremen", "Dresden", "Essen")
CPF_WEIGHTS = np.array([11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
# Shares of persons each vendor knows, and of orders (by their number) each vendor reports beside Omnisend's events.
KNOWN = {"ometria": 0.7, "optimizely": 0.6, "voucherify": 0.5, "omnisend": 0.6, "open_delivery": 0.1}
REPORTS = {"open_delivery": range(1), "ometria": range(1, 7), "optimizely": range(7, 9), "voucherify": range(9, 11)}
TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Size:
    """What to make: persons, events of the two event streams, nights after the first, and how untidy it is."""

    customers: int
    events: int
    nights: int = 1
    seed: int = 1
    bad_share: float = 0.001
    night_share: float = 0.001

    @property
    def orders(self) -> int:
        return max(1, self.events // 5)

    @property
    def first_night(self) -> date:
        return LAST_NIGHT - timedelta(days=self.nights - 1)


class Exports:
    """The files of an export: every line goes to its vendor, stream and night."""

    def __init__(self, out: Path, size: Size) -> None:
        self._landing = out / "landing"
        self._size = size
        self._chance = np.random.default_rng((size.seed, 99))
        self.bytes = 0

    def lines(self, source: str, stream: str, nights: pl.Series, lines: pl.Series, *, text: str | None = None) -> None:
        """Appends JSON lines to the files of their nights, and the mess with them."""
        lines = self._untidy(lines, text)
        for (night,), part in pl.DataFrame({"night": nights, "line": lines}).group_by("night", maintain_order=True):
            kept = part.get_column("line")
            copies = kept.gather(np.flatnonzero(self._chance.random(kept.len()) < 0.005))
            cut = kept.gather(np.flatnonzero(self._chance.random(kept.len()) < self._size.bad_share))
            self._append(
                source, stream, night, "ndjson", pl.concat([kept, copies, cut.str.head(cut.str.len_chars() // 2)])
            )

    def table(self, source: str, stream: str, nights: pl.Series, frame: pl.DataFrame) -> None:
        """Appends rows to the CSV files of their nights; a bad row has a cell too many."""
        header = pl.Series([",".join(frame.columns)])
        lines = pl.Series(frame.write_csv(include_header=False).splitlines())
        for (night,), part in pl.DataFrame({"night": nights, "line": lines}).group_by("night", maintain_order=True):
            kept = part.get_column("line")
            bad = kept.gather(np.flatnonzero(self._chance.random(kept.len()) < self._size.bad_share)) + ",x,y"
            self._append(source, stream, night, "csv", pl.concat([kept, bad]), header)

    def _untidy(self, lines: pl.Series, text: str | None) -> pl.Series:
        luck = self._chance.random(lines.len())
        changed = (
            pl.when(pl.Series(luck < 0.005))
            .then(pl.col("line").str.replace(r"\}$", ',"experiment":"blue"}'))
            .otherwise("line")
        )
        if text is not None:
            as_text = pl.col("line").str.replace(rf'"{text}":(-?[0-9.]+)', f'"{text}":"$1"')
            changed = pl.when(pl.Series(luck > 0.998)).then(as_text).otherwise(changed)
        return lines.to_frame("line").select(changed.alias("line")).to_series()

    def _append(
        self, source: str, stream: str, night: int, form: str, lines: pl.Series, header: pl.Series | None = None
    ) -> None:
        day = self._size.first_night + timedelta(days=night)
        path = self._landing / source / stream / day.isoformat() / f"{stream}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if header is not None and not path.exists():
            lines = pl.concat([header, lines])
        data = "\n".join(lines.to_list()).encode() + b"\n"
        self.bytes += len(data)
        with path.open("ab") as file:
            file.write(data)


# -- people ------------------------------------------------------------------------------------------------------------


def _luck(index: np.ndarray, salt: int) -> np.ndarray:
    """A number in [0, 1) that belongs to an index for ever."""
    mixed = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt * 0x632BE59BD9B4E019 % 2**64)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**53


def _word(words: tuple[str, ...], luck: np.ndarray) -> pl.Series:
    return pl.Series(words).gather((luck * len(words)).astype(np.int64))


def _cpf(index: np.ndarray) -> pl.Series:
    digits = [index // 10**place % 10 for place in range(8, -1, -1)]
    for weights in (CPF_WEIGHTS[1:], CPF_WEIGHTS):
        rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        digits.append(np.where(rest < 2, 0, 11 - rest))
    number = sum(digit.astype(np.int64) * 10**place for digit, place in zip(digits, range(10, -1, -1), strict=True))
    return pl.Series(number).cast(pl.String).str.zfill(11)


def people(index: np.ndarray) -> pl.DataFrame:
    """Persons by their number: names, identifiers and which vendors know them."""
    knows = {source: _luck(index, salt) < share for salt, (source, share) in enumerate(KNOWN.items(), start=10)}
    knows["ometria"] |= ~np.logical_or.reduce(list(knows.values()))
    is_sharing = (index % 2 == 1) & (_luck(index, 5) < 0.01)
    # No two persons share both name and birth date, so that there is one truth.
    born, place = index % BIRTH_DATES, len(FIRST_NAMES) * len(LAST_NAMES) ** 2
    name = (index // BIRTH_DATES + (_luck(born, 1) * place).astype(np.int64)) % place
    first = pl.Series(FIRST_NAMES).gather(name % len(FIRST_NAMES))
    name = name // len(FIRST_NAMES)
    last = (
        pl.Series(LAST_NAMES).gather(name % len(LAST_NAMES))
        + "-"
        + pl.Series(LAST_NAMES).gather(name // len(LAST_NAMES))
    )
    return pl.DataFrame(
        {
            "person": index,
            "first_name": first,
            "last_name": last,
            "email": first.str.to_lowercase()
            + "."
            + last.str.to_lowercase()
            + pl.Series(index).cast(pl.String)
            + "@example.com",
            "phone": "+49151" + pl.Series(10_000_000 + index - is_sharing).cast(pl.String),
            "shop_id": "c" + pl.Series(index).cast(pl.String),
            "document": _cpf(100_000_000 + index),
            "birth_date": pl.Series(np.datetime64("1950-01-01") + born).cast(pl.Date).cast(pl.String),
            "city": _word(CITIES, _luck(index, 4)),
            "gender": pl.Series(["f", "m", "x"]).gather((_luck(index, 6) * 2.1).astype(np.int64)),
            **{f"in_{source}": known for source, known in knows.items()},
        }
    ).with_columns(
        untidy_email=pl.when(pl.Series(_luck(index, 7) < 0.02))
        .then(pl.concat_str(pl.lit(" "), pl.col("email").str.to_uppercase()))
        .otherwise("email"),
        national_phone=pl.concat_str(
            pl.lit("0"), pl.col("phone").str.slice(3, 3), pl.lit(" "), pl.col("phone").str.slice(6)
        ),
    )


def _json(frame: pl.DataFrame, **fields: pl.Expr) -> pl.Series:
    return frame.select(pl.struct(**fields).struct.json_encode()).to_series()


def _profiles(exports: Exports, who: pl.DataFrame, night: int) -> None:
    """The people as each vendor that knows them delivers them."""
    col = pl.col

    def known(source: str) -> tuple[pl.DataFrame, pl.Series]:
        frame = who.filter(f"in_{source}")
        return frame, pl.repeat(night, frame.height, dtype=pl.Int64, eager=True)

    frame, nights = known("ometria")
    exports.lines("ometria", "contacts", nights, _json(
        frame,
        **{"@type": pl.lit("contact"), "@collection": pl.lit("shop")},
        id=pl.concat_str(pl.lit("om"), "person"), customer_id=col("shop_id"), email=col("untidy_email"), phone_number=col("phone"),
        firstname=col("first_name"), lastname=col("last_name"), gender=col("gender"), date_of_birth=col("birth_date"), country_id=pl.lit("DE"),
        marketing_optin=pl.when(col("person") % 3 == 0).then(pl.lit("EXPLICITLY_OPTEDIN")).otherwise(pl.lit("NOT_SPECIFIED")),
        timestamp_acquired=pl.lit("2024-01-01T00:00:00+00:00"), tags=pl.concat_list(pl.concat_str(pl.lit("club"), col("person") % 7)),
    ))  # fmt: skip
    frame, nights = known("optimizely")
    exports.lines("optimizely", "profiles", nights, _json(
        frame,
        identifiers=pl.struct(email="email", customer_id="shop_id", vuid=pl.concat_str(pl.lit("a0"), "document")),
        attributes=pl.struct(
            first_name="first_name", last_name="last_name", city="city", country=pl.lit("DE"), phone="national_phone", date_of_birth="birth_date", gender="gender",
        ),
        insights=pl.struct(total_revenue=(col("person") % 1000) * 0.25, order_count=col("person") % 9, engagement_score=(col("person") % 100) * 0.5),
        segments=pl.concat_list(pl.concat_str(pl.lit("segment_"), col("person") % 12)),
    ))  # fmt: skip
    frame, nights = known("voucherify")
    exports.lines("voucherify", "customers", nights, _json(
        frame,
        id=pl.concat_str(pl.lit("cust_"), "person"), source_id=col("shop_id"), name=pl.concat_str("first_name", "last_name", separator=" "), email=col("email"),
        phone=col("phone"), birthdate=col("birth_date"), address=pl.struct(city="city", country=pl.lit("DE"), line_1=pl.lit("Weg 1"), postal_code=pl.lit("01159")),
        summary=pl.struct(orders=pl.struct(total_amount=(col("person") % 1000) * 100, total_count=col("person") % 9)),
        loyalty=pl.struct(points=col("person") % 500), created_at=pl.lit("2024-04-07T08:04:03Z"), updated_at=pl.lit("2026-01-12T12:51:27Z"), object=pl.lit("customer"),
    ))  # fmt: skip
    frame, nights = known("omnisend")
    exports.lines("omnisend", "contacts", nights, _json(
        frame,
        contactID=pl.concat_str(pl.lit("63"), "document"), email=col("email"), phone=col("phone"), firstName=col("first_name"), lastName=col("last_name"),
        countryCode=pl.lit("DE"), city=col("city"), birthdate=col("birth_date"), createdAt=pl.lit("2024-05-09T16:25:02Z"),
        tags=pl.concat_list(pl.concat_str(pl.lit("tag"), col("person") % 5)),
        statuses=pl.concat_list(pl.struct(channel=pl.lit("email"), status=pl.lit("subscribed"), date=pl.lit("2024-05-09T16:25:02Z"))),
    ))  # fmt: skip
    frame, nights = known("open_delivery")
    exports.lines("open_delivery", "customers", nights, _json(
        frame,
        identifier=pl.struct(type=pl.lit("document"), value="document"), name=pl.concat_str("first_name", "last_name", separator=" "),
        document=pl.struct(type=pl.lit("CPF"), value="document"),
        contacts=pl.struct(
            phones=pl.concat_list(pl.struct(number="phone", isPrimary=pl.lit(value=True))), emails=pl.concat_list(pl.struct(email="email", isPrimary=pl.lit(value=True)))
        ),
        demographics=pl.struct(birthDate="birth_date"),
    ))  # fmt: skip


# -- orders and events -------------------------------------------------------------------------------------------------


def _orders(size: Size, chunk: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One chunk of orders with their persons, and their lines."""
    chance = np.random.default_rng((size.seed, chunk))
    start = chunk * ORDERS_A_CHUNK
    number = np.arange(start, min(start + ORDERS_A_CHUNK, size.orders))
    person = (size.customers * chance.random(number.size) ** 1.5).astype(np.int64)
    night = _nights(chance, size, number.size)
    counts = chance.integers(1, 5, number.size)
    line_order = np.repeat(number, counts)
    product = chance.integers(0, PRODUCTS, line_order.size)
    quantity, price = chance.integers(1, 4, line_order.size), 199 + product * 7 % 9_001
    lines = pl.DataFrame({"order": line_order, "product": product, "quantity": quantity, "price": price})
    totals = np.bincount(line_order - start, weights=quantity * price, minlength=number.size).astype(np.int64)
    fate = chance.random(number.size)
    orders = pl.DataFrame(
        {
            "order": number,
            "night": night,
            "at": _moments(chance, size, night),
            "cents": totals,
            "is_guest": chance.random(number.size) < 0.02,
            "fate": np.select([fate < 0.02, fate < 0.05, fate < 0.6], ["canceled", "refunded", "fulfilled"], "paid"),
        }
    )
    who = people(person)
    orders = orders.hstack(who).with_columns(
        email=pl.when("is_guest")
        .then(pl.concat_str(pl.lit("guest"), "order", pl.lit("@example.net")))
        .otherwise("email"),
        number=pl.concat_str(pl.when(pl.col("order") % 20 == 0).then(pl.lit("D-")).otherwise(pl.lit("S-")), "order"),
    )
    return orders, lines


def _nights(chance: np.random.Generator, size: Size, count: int) -> np.ndarray:
    """Most of it in the first night, the given share in each that follows."""
    luck = chance.random(count)
    return np.where(luck < size.night_share * (size.nights - 1), luck / size.night_share + 1, 0).astype(np.int64)


def _moments(chance: np.random.Generator, size: Size, night: np.ndarray) -> pl.Series:
    last = datetime(size.first_night.year, size.first_night.month, size.first_night.day, tzinfo=UTC)
    seconds = np.where(
        night == 0, -chance.random(night.size) * HISTORY_DAYS * 86_400, (night - chance.random(night.size)) * 86_400
    )
    return pl.Series((seconds.astype(np.int64) + int(last.timestamp()) - 7_200) * 1_000).cast(pl.Datetime("ms"))


def _stamp(minutes: int = 0) -> pl.Expr:
    return (pl.col("at") + pl.duration(minutes=minutes)).dt.strftime(TIME)


def _order_events(exports: Exports, orders: pl.DataFrame, lines: pl.DataFrame) -> int:
    """What Omnisend reports of the orders: each event with the order and all of its lines. Returns how many events."""
    col = pl.col
    product = pl.concat_str(pl.lit("p-"), "product")
    items = lines.group_by("order", maintain_order=True).agg(
        pl.struct(
            productID=product, variantID=pl.concat_str(product, pl.lit("-m")), title=pl.concat_str(pl.lit("Fern “No "), "product", pl.lit("”")), vendor=pl.lit("Ferngarten"),
            sku=pl.concat_str(pl.lit("SKU"), "product"), quantity="quantity", price=_major(col("price")), discount=pl.lit(0.0),
            imageUrl=pl.concat_str(pl.lit("https://shop.example/img/"), "product", pl.lit(".jpg")),
            productUrl=pl.concat_str(pl.lit("https://shop.example/p/"), "product"),
            categoryIDs=pl.concat_list(pl.concat_str(pl.lit("cat"), col("product") % 30)), tags=pl.concat_list(pl.lit("green")),
        ).alias("items")
    )  # fmt: skip
    reported = orders.filter(pl.col("order") % 20 != 0).join(items, on="order", maintain_order="left")
    count = 0
    steps = (
        ("placed order", "placed", 0, "awaitingPayment", "unfulfilled", pl.lit(value=True)),
        ("paid for order", "paid", 2, "paid", "unfulfilled", col("fate") != "canceled"),
        ("order fulfilled", "sent", 60, "paid", "fulfilled", col("fate").is_in(["fulfilled", "refunded"])),
        ("order refunded", "refund", 90, "refunded", "fulfilled", col("fate") == "refunded"),
        ("order canceled", "cancel", 30, "voided", "unfulfilled", col("fate") == "canceled"),
    )
    for name, short, minutes, payment, fulfilment, where in steps:
        frame = reported.filter(where)
        count += frame.height
        exports.lines("omnisend", "events", frame.get_column("night"), _json(
            frame,
            eventName=pl.lit(name), eventTime=_stamp(minutes), eventID=pl.concat_str(pl.lit(f"{short}-"), "order"), origin=pl.lit("api"),
            contact=pl.struct(contactID=pl.when(~col("is_guest") & col("in_omnisend")).then(pl.concat_str(pl.lit("63"), "document")), email="email"),
            properties=pl.struct(device=pl.lit("ios"), createdAt=_stamp()),
            order=pl.struct(
                orderID=pl.concat_str(pl.lit("shop-"), "order"), orderNumber="number", totalPrice=_major(col("cents")), subTotalPrice=_major(col("cents")), currency=pl.lit("EUR"),
                discountValue=pl.lit(0.0), paymentStatus=pl.lit(payment), fulfillmentStatus=pl.lit(fulfilment), cartID=pl.concat_str(pl.lit("cart"), "order"),
                cartRecoveryURL=pl.concat_str(pl.lit("https://shop.example/cart/"), "order"),
            ),
            lineItems=col("items"),
        ), text="totalPrice")  # fmt: skip
    return count


def _reported_by(orders: pl.DataFrame, source: str) -> pl.DataFrame:
    return orders.filter((pl.col("order") % 20).is_in(REPORTS[source]))


def _order_records(exports: Exports, orders: pl.DataFrame, lines: pl.DataFrame) -> None:
    """The orders that other vendors report as records of their own."""
    col = pl.col
    product = pl.concat_str(pl.lit("p-"), "product")

    def with_lines(source: str, line: pl.Expr) -> pl.DataFrame:
        return _reported_by(orders, source).join(
            lines.group_by("order", maintain_order=True).agg(line.alias("items")), on="order", maintain_order="left"
        )

    frame = with_lines(
        "ometria",
        pl.struct(
            product_id=product,
            quantity="quantity",
            unit_price=_major(col("price")),
            subtotal=_major(col("quantity") * col("price")),
        ),
    )
    exports.lines("ometria", "orders", frame.get_column("night"), _json(
        frame,
        **{"@type": pl.lit("order")},
        id=col("number"), currency=pl.lit("EUR"), timestamp=_stamp(), customer=pl.struct(email="email", firstname="first_name", lastname="last_name"),
        status=pl.when(col("fate") == "canceled").then(pl.lit("canceled")).otherwise(pl.lit("complete")), is_valid=col("fate") != "canceled",
        subtotal=_major(col("cents")), grand_total=_major(col("cents")), lineitems=col("items"),
    ), text="grand_total")  # fmt: skip
    frame = with_lines(
        "voucherify",
        pl.struct(
            source_id=product,
            related_object=pl.lit("product"),
            quantity="quantity",
            price="price",
            amount=col("quantity") * col("price"),
        ),
    )
    exports.lines("voucherify", "orders", frame.get_column("night"), _json(
        frame,
        id=pl.concat_str(pl.lit("ord_"), "order"), source_id=col("number"), created_at=_stamp(), updated_at=_stamp(5),
        status=pl.when(col("fate") == "canceled").then(pl.lit("CANCELED")).otherwise(pl.lit("PAID")), amount=col("cents"), total_amount=col("cents"), items=col("items"),
        customer=pl.struct(email="email", object=pl.lit("customer")), object=pl.lit("order"),
    ))  # fmt: skip
    money = lambda cents: pl.struct(value=_major(cents), currency=pl.lit("BRL"))  # noqa: E731
    frame = with_lines(
        "open_delivery",
        pl.struct(
            id=product,
            name=product,
            quantity="quantity",
            unitPrice=money(col("price")),
            totalPrice=money(col("quantity") * col("price")),
        ),
    )
    exports.lines("open_delivery", "orders", frame.get_column("night"), _json(
        frame,
        id=col("number"), type=pl.lit("DELIVERY"), displayId=col("number"), createdAt=_stamp(),
        lastEvent=pl.when(col("fate") == "canceled").then(pl.lit("CANCELLED")).otherwise(pl.lit("CONCLUDED")), orderTiming=pl.lit("INSTANT"),
        merchant=pl.struct(id=pl.lit("m-1"), name=pl.lit("Cantina")), items=col("items"), total=pl.struct(itemsPrice=money(col("cents")), orderAmount=money(col("cents"))),
        customer=pl.struct(
            name=pl.when(~col("is_guest")).then(pl.concat_str("first_name", "last_name", separator=" ")), documentNumber=pl.when(~col("is_guest")).then("document"), email="email"
        ),
    ))  # fmt: skip
    rows = (
        _reported_by(orders, "optimizely")
        .filter(col("fate") != "canceled")
        .join(lines, on="order", maintain_order="left")
    )
    exports.table("optimizely", "orders", rows.get_column("night"), rows.select(
        "email", action=pl.lit("purchase"), order_id="number", total=_decimal("cents"), subtotal=_decimal("cents"), item_product_id=product, item_price=_decimal("price"),
        item_quantity="quantity", item_subtotal=_major(col("quantity") * col("price")).cast(pl.Decimal(18, 2)), ts=col("at").dt.epoch("s"),
    ))  # fmt: skip


def _decimal(cents: str) -> pl.Expr:
    return _major(pl.col(cents)).cast(pl.Decimal(18, 2))


def _major(cents: pl.Expr) -> pl.Expr:
    """Cents as the number a shop writes; Polars multiplies by 0.01, which alone would leave 29.650000000000002."""
    return (cents / 100).round(2)


def _browsing(exports: Exports, size: Size, chunk: int, first: int, count: int) -> None:
    """Events that are about no order: product views and carts by Omnisend, views and mails by Optimizely."""
    chance = np.random.default_rng((size.seed, chunk, 7))
    index = np.arange(first, first + count)
    night = _nights(chance, size, count)
    who = people((size.customers * chance.random(count) ** 1.5).astype(np.int64))
    product = pl.Series(chance.integers(0, PRODUCTS, count))
    frame = who.with_columns(
        event=index,
        night=night,
        at=_moments(chance, size, night),
        product="p-" + product.cast(pl.String),
        luck=chance.random(count),
    )
    col = pl.col
    reported = frame.filter(col("luck") < 0.6)
    exports.lines("omnisend", "events", reported.get_column("night"), _json(
        reported,
        eventName=pl.when(col("luck") < 0.5).then(pl.lit("viewed product")).otherwise(pl.lit("added product to cart")), eventTime=_stamp(),
        eventID=pl.concat_str(pl.lit("view-"), "event"), origin=pl.lit("web"), contact=pl.struct(email="email"),
        properties=pl.struct(productID="product", source=pl.lit("newsletter"), position=col("event") % 40),
    ))  # fmt: skip
    reported = frame.filter(col("luck") >= 0.6)
    is_mail = col("luck") > 0.8
    exports.lines("optimizely", "events", reported.get_column("night"), _json(
        reported,
        type=pl.when(is_mail).then(pl.lit("email")).otherwise(pl.lit("product")), action=pl.when(is_mail).then(pl.lit("open")).otherwise(pl.lit("detail")),
        identifiers=pl.struct(email="email"), data=pl.struct(ts=col("at").dt.epoch("s"), product_id="product", page=pl.concat_str(pl.lit("/p/"), "product")),
    ))  # fmt: skip


# -- all of it ---------------------------------------------------------------------------------------------------------


def generate(out: Path, size: Size) -> int:
    """Writes the exports and the truth; returns the bytes of the exports."""
    exports = Exports(out, size)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    for start in range(0, size.customers, PEOPLE_A_CHUNK):
        _profiles(exports, people(np.arange(start, min(start + PEOPLE_A_CHUNK, size.customers))), night=0)
    for night in range(1, size.nights):
        index = np.arange(size.customers)
        changed = index[_luck(index, 100 + night) < size.night_share]
        _profiles(exports, people(changed).with_columns(city=pl.lit("Mainz")), night)
    truths = list(_order_chunks(exports, size))
    truth = pl.concat(truths)
    truth.write_parquet(out / "truth" / "orders.parquet")
    known = people(np.arange(size.customers)).select("person", "email", "phone", "first_name", "last_name")
    known.write_parquet(out / "truth" / "persons.parquet")
    return exports.bytes


def _order_chunks(exports: Exports, size: Size) -> Iterator[pl.DataFrame]:
    made = 0
    for chunk in range(-(-size.orders // ORDERS_A_CHUNK)):
        orders, lines = _orders(size, chunk)
        reported = _order_events(exports, orders, lines)
        _order_records(exports, orders, lines)
        views = max(0, size.events * min((chunk + 1) * ORDERS_A_CHUNK, size.orders) // size.orders - made - reported)
        _browsing(exports, size, chunk, made, views)
        made += reported + views
        yield orders.select(
            "number",
            "night",
            pl.when("is_guest").then(None).otherwise("person").alias("person"),
            "email",
            _major(pl.col("cents")).cast(pl.Decimal(18, 4)).alias("total"),
            pl.when(pl.col("order") % 20 == 0).then(pl.lit("BRL")).otherwise(pl.lit("EUR")).alias("currency"),
            # Open Delivery reports no refund here.
            pl.when((pl.col("order") % 20 == 0) & (pl.col("fate") != "canceled"))
            .then(pl.lit("completed"))
            .otherwise("fate")
            .alias("fate"),
            "at",
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.generator", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument(
        "--events", type=int, default=50_000, help="events of both event streams; a fifth as many orders"
    )
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument(
        "--night-share", type=float, default=0.001, help="share of everything that each night after the first brings"
    )
    parser.add_argument(
        "--bad", type=float, default=0.001, help="broken lines beside the good ones, as a share of them"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    size = Size(given.customers, given.events, given.nights, given.seed, given.bad, given.night_share)
    print(f"{generate(given.out, size) / 1e6:,.0f} MB in {given.out / 'landing'}")


if __name__ == "__main__":
    main()
