"""A made-up shop of 2,400 people and 24 months, written as the exports of five vendors: what the demo loads beside the
samples.

The same people, orders and clicks every time: everything is drawn from one seed, and nothing depends on the day it is
run. It has the troubles of real exports: families that share a phone, customers who got a new id, refunds and
cancellations, two currencies, an address in capital letters, a month of events that came late, a line that nobody can
read.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

SEED = 20260301
PEOPLE = 2400
BEGIN, END = datetime(2024, 3, 1, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)
# Half-yearly deliveries, the last of them after all that happened; what came late came two days after.
EXPORT_DATES = (date(2024, 9, 1), date(2025, 3, 1), date(2025, 9, 1), date(2026, 3, 1))
LATE_EXPORT_DATE = date(2026, 3, 3)
LATE_MONTH = (datetime(2025, 11, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC))
FIRST_CUSTOMER, FIRST_ORDER = 20001, 100001
FAMILIES, REKEYED = 40, 60
WOMEN = (
    "Adele Beate Carmen Doris Elif Frida Gesa Hanna Ilse Jana Katja Lena Marta Nora Olivia Paula Renate Sofia Tilda"
    " Vera"
)
MEN = (
    "Anton Bernd Carlos David Emil Felix Georg Henrik Ivan Jakob Karl Leon Matteo Nils Oskar Pavel Rafael Simon Tom"
    " Viktor"
)
GIVEN = {"f": WOMEN.split(), "m": MEN.split()}
NAMES = (
    "Albers Bauer Conrad Dietz Ebert Fuchs Graf Hansen Ivers Jansen Kaiser Lorenz Maurer Noack Ott Peters Quandt"
    " Richter Sauer Thomas Ulrich Vogel Winter Yildiz Zander Arnold Brandt Claus Decker Engel Frank Gruber Hartmann"
    " Imhof Jung Kern Ludwig Moser Neumann Opitz"
)
FAMILY = NAMES.split()
CITIES = (
    ("DE", "Germany", "Leipzig", "04109"),
    ("DE", "Germany", "Hamburg", "20095"),
    ("AT", "Austria", "Graz", "8010"),
    ("GB", "United Kingdom", "York", "YO1 7HH"),
)
PRODUCTS = tuple(
    (f"{kind[0].lower()}{number}", f"{kind} {number}", kind, price + 3 * number)
    for kind, price in (("Fern", 9), ("Orchid", 19), ("Pot", 6), ("Tool", 14), ("Seed", 3))
    for number in range(1, 7)
)
# How an order ends, in Ometria's words, and which share of it is refunded.
ENDS = (("complete", 0.0, 90), ("canceled", 0.0, 4), ("complete", 0.4, 3), ("refunded", 1.0, 2), ("pending", 0.0, 1))
CAMPAIGNS = ("spring-ferns", "autumn-bulbs", "club-news", "win-back")
SOURCES = (("google", "cpc"), ("instagram", "social"), ("partner", "affiliate"))

Record = dict[str, Any]


@dataclass
class Person:
    """Somebody who found the shop on a day, and how often and how long they buy."""

    number: int
    first_name: str
    last_name: str
    gender: str
    born: date
    place: tuple[str, str, str, str]
    phone: str
    found_us: datetime
    orders: list["Order"] = field(default_factory=list)

    @property
    def customer_id(self) -> str:
        return str(FIRST_CUSTOMER + self.number)

    @property
    def email(self) -> str:
        return f"{self.first_name}.{self.last_name}.{self.number}@example.com".lower()

    @property
    def currency(self) -> str:
        return "GBP" if self.place[0] == "GB" else "EUR"

    def is_at(self, vendor: str) -> bool:
        """Not everybody is known to every vendor."""
        return (
            self.number % 10
            < {"ometria": 10, "optimizely": 7, "omnisend": 6, "voucherify": 3, "open_delivery": 1}[vendor]
        )


@dataclass(frozen=True)
class Order:
    """One purchase: product and quantity of each line, and what became of it."""

    number: str
    at: datetime
    lines: tuple[tuple[tuple[str, str, str, int], int], ...]
    coupon: str | None
    end: str
    refunded_share: float

    @property
    def goods(self) -> float:
        return float(sum(product[3] * quantity for product, quantity in self.lines))

    @property
    def discount(self) -> float:
        return round(self.goods * 0.1, 2) if self.coupon else 0.0

    @property
    def shipping(self) -> float:
        return 0.0 if self.goods > 60 else 4.9

    @property
    def total(self) -> float:
        return round(self.goods - self.discount + self.shipping, 2)

    @property
    def refunded(self) -> float:
        return round(self.total * self.refunded_share, 2)


def write(landing: Path) -> None:
    """Lands all deliveries of the shop."""
    chance = random.Random(SEED)
    people = [_person(chance, number) for number in range(PEOPLE)]
    for person in people:
        person.orders.extend(_orders(chance, person))
    _number(people)
    for place, records in _deliveries(chance, people).items():
        _land(landing / place, records)


def _person(chance: random.Random, number: int) -> Person:
    gender = chance.choice("fm")
    # The shop grows: twice as many find it in the last month as in the first.
    days = int((END - BEGIN).days * (chance.random() ** 0.75))
    household = number % FAMILIES if number < 3 * FAMILIES else number
    return Person(
        number,
        chance.choice(GIVEN[gender]),
        chance.choice(FAMILY),
        gender,
        date(chance.randint(1948, 2004), chance.randint(1, 12), chance.randint(1, 28)),
        chance.choices(CITIES, (50, 25, 12, 13))[0],
        f"+4915123{400000 + 7 * household}",
        BEGIN + timedelta(days=days, seconds=chance.randint(8 * 3600, 20 * 3600)),
    )


def _orders(chance: random.Random, person: Person) -> Iterator[Order]:
    """Purchases at a rate of the person's own, until they leave for good; a quarter never buys."""
    if chance.random() < 0.25:
        return
    rate = chance.gammavariate(1.2, 1 / 110)
    leaves = chance.betavariate(1, 4)
    at = person.found_us + timedelta(days=chance.expovariate(1 / 6))
    while at < END:
        yield _order(chance, at)
        if chance.random() < leaves:
            return
        at += timedelta(days=1 + chance.expovariate(max(rate, 1 / 2000)))


def _order(chance: random.Random, at: datetime) -> Order:
    end, refunded_share, _ = chance.choices(ENDS, [share for *_, share in ENDS])[0]
    lines = tuple(
        (product, chance.choice((1, 1, 1, 2, 3))) for product in chance.sample(PRODUCTS, chance.choice((1, 1, 2, 3)))
    )
    coupon = chance.choice(("SPRING10", "CLUB10", "WELCOME10")) if chance.random() < 0.15 else None
    return Order("", at.replace(microsecond=0), lines, coupon, end, refunded_share)


def _number(people: Iterable[Person]) -> None:
    """Order numbers run through the shop in the order of time."""
    placed = sorted((order.at, person.number, place) for person in people for place, order in enumerate(person.orders))
    by_number = {person.number: person for person in people}
    for number, (_, owner, place) in enumerate(placed, start=FIRST_ORDER):
        orders = by_number[owner].orders
        orders[place] = Order(
            f"G-{number}",
            *(getattr(orders[place], name) for name in ("at", "lines", "coupon", "end", "refunded_share")),
        )


def _deliveries(chance: random.Random, people: list[Person]) -> dict[str, list[Record | str]]:
    """The records of every file."""
    files: dict[str, list[Record | str]] = defaultdict(list)
    for person in people:
        for vendor, stream, at, record in (*_profiles(person), *_purchases(person), *_touches(chance, person)):
            files[f"{vendor}/{stream}/{_export_date(vendor, stream, at)}/shop.ndjson"].append(record)
    files[f"ometria/orders/{EXPORT_DATES[-1]}/shop.ndjson"].append('{"@type": "order", "id": "G-cut-off", "grand_')
    return files


def _export_date(vendor: str, stream: str, at: datetime) -> date:
    is_late = (vendor, stream) == ("optimizely", "events") and LATE_MONTH[0] <= at < LATE_MONTH[1]
    return LATE_EXPORT_DATE if is_late else next(day for day in EXPORT_DATES if at.date() < day)


Reported = Iterator[tuple[str, str, datetime, Record]]


def _profiles(person: Person) -> Reported:
    """A profile at each vendor who knows the person, delivered after each half-year in which something happened."""
    moments = {_export_date("", "", at): at for at in sorted([person.found_us, *(order.at for order in person.orders)])}
    for at in moments.values():
        yield "ometria", "profiles", at, _ometria_profile(person, at, person.customer_id)
        if person.number % (PEOPLE // REKEYED) == 5 and at > person.found_us:
            yield "ometria", "profiles", at, _ometria_profile(person, at, f"9{person.customer_id}")
        if person.is_at("optimizely"):
            yield "optimizely", "profiles", at, _optimizely_profile(person)
        if person.is_at("omnisend"):
            yield "omnisend", "contacts", at, _omnisend_contact(person)
        if person.is_at("voucherify"):
            yield "voucherify", "customers", at, _voucherify_customer(person, at)
        if person.is_at("open_delivery"):
            yield "open_delivery", "customers", at, _open_delivery_customer(person)


def _ometria_profile(person: Person, at: datetime, customer_id: str) -> Record:
    counted = [order for order in person.orders if order.at <= at and order.end not in ("canceled", "pending")]
    revenue = round(sum(order.total for order in counted), 2)
    # One in thirty has figures of the day before yesterday.
    reported = len(counted) - (1 if counted and person.number % 30 == 7 else 0)
    return {
        "@type": "profile",
        "id": f"shop-{customer_id}",
        "customer_id": customer_id,
        "email": person.email,
        "identities": [{"id": person.email, "type": "email"}, {"id": customer_id, "type": "customer_id"}],
        "firstname": person.first_name,
        "lastname": person.last_name,
        "name": f"{person.first_name} {person.last_name}",
        "gender": person.gender,
        "date_of_birth": str(person.born),
        "country": person.place[0],
        "marketing_optin": None,
        "dates": {"acquired": _iso(person.found_us), "first_seen": _iso(person.found_us), "last_seen": _iso(at)},
        "seen": True,
        "properties": {
            "favourite": PRODUCTS[person.number % len(PRODUCTS)][2].lower(),
            "newsletter": person.number % 3 == 0,
        },
        "stats": {"orders": reported, "revenue": revenue},
        "tags": ["Newsletter"] if person.number % 3 == 0 else [],
        "lists": [
            {
                "id": 900 + person.number % 3,
                "title": ("Balcony", "Garden", "Window sill")[person.number % 3],
                "type": "STATIC",
            }
        ],
    }


def _optimizely_profile(person: Person) -> Record:
    _, _, city, postal_code = person.place
    return {
        "identifiers": {
            "email": person.email.upper() if person.number % 20 == 0 else person.email,
            "customer_id": person.customer_id,
        },
        "attributes": {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "city": city,
            "zip_code": postal_code,
            "country": person.place[0],
            "phone": person.phone,
            "date_of_birth": str(person.born),
        },
        "segments": ["garden_lovers"] if person.number % 4 == 0 else [],
    }


def _omnisend_contact(person: Person) -> Record:
    country_code, country, city, postal_code = person.place
    word = "unsubscribed" if person.number % 10 == 5 else "subscribed"
    return {
        "contactID": f"65f0c0ffee{person.number:014x}",
        "email": person.email,
        "phone": person.phone,
        "createdAt": _iso(person.found_us),
        "firstName": person.first_name,
        "lastName": person.last_name,
        "country": country,
        "countryCode": country_code,
        "city": city,
        "postalCode": postal_code,
        "gender": person.gender,
        "birthdate": str(person.born),
        "tags": ["source: shop"],
        "statuses": [{"channel": "email", "status": word, "date": _iso(person.found_us)}],
        "identifiers": [
            {
                "id": person.email,
                "type": "email",
                "channels": {"email": {"status": word, "statusDate": _iso(person.found_us)}},
            }
        ],
    }


def _voucherify_customer(person: Person, at: datetime) -> Record:
    _, country, city, postal_code = person.place
    return {
        "id": f"cust_Shop{person.customer_id}",
        "source_id": person.customer_id,
        "name": f"{person.first_name} {person.last_name}",
        "email": person.email,
        "phone": person.phone,
        "birthdate": str(person.born),
        "address": {"city": city, "country": country, "postal_code": postal_code},
        "metadata": {"lang": "en" if country == "United Kingdom" else "de"},
        "created_at": _iso(person.found_us),
        "updated_at": _iso(at),
        "object": "customer",
    }


def _open_delivery_customer(person: Person) -> Record:
    return {
        "identifier": {"type": "external_id", "value": f"shop:customer:{person.customer_id}"},
        "name": f"{person.first_name} {person.last_name}",
        "contacts": {"emails": [{"email": person.email, "isPrimary": True}]},
        "metadata": {"customTags": ["balcony"] if person.number % 2 else [], "restrictions": []},
    }


def _purchases(person: Person) -> Reported:
    """Every order in Ometria; the same orders again from others, who saw some of them."""
    for order in person.orders:
        yield "ometria", "orders", order.at, _ometria_order(person, order)
        if person.is_at("optimizely") and order.end != "pending":
            yield "optimizely", "events", order.at, _optimizely_purchase(person, order)
        if person.is_at("omnisend") and order.end == "complete":
            yield "omnisend", "events", order.at, _omnisend_purchase(person, order)
        if person.is_at("voucherify") and order.coupon:
            yield "voucherify", "redemptions", order.at, _redemption(person, order)


def _ometria_order(person: Person, order: Order) -> Record:
    country_code, _, city, postal_code = person.place
    return {
        "@type": "order",
        "id": order.number,
        "increment_id": order.number,
        "status": order.end,
        "state": order.end,
        "is_valid": order.end not in ("canceled", "pending"),
        "timestamp": order.at.strftime("%Y-%m-%d %H:%M:%S"),
        "currency": person.currency,
        "subtotal": f"{order.goods:.4f}",
        "discount": f"{order.discount:.4f}",
        "shipping": f"{order.shipping:.4f}",
        "grand_total": f"{order.total:.4f}",
        "total_refunded": f"{order.refunded:.4f}" if order.refunded else None,
        "coupon_code": order.coupon,
        "payment_method": ("paypal", "card", "invoice")[person.number % 3],
        "channel": "online",
        "store": "1",
        "customer": {
            "id": person.customer_id,
            "email": person.email,
            "firstname": person.first_name,
            "lastname": person.last_name,
        },
        "billing_address": {
            "firstname": person.first_name,
            "lastname": person.last_name,
            "city": city,
            "postcode": postal_code,
            "country_code": country_code,
        },
        "lineitems": [_ometria_line(product, quantity) for product, quantity in order.lines],
    }


def _ometria_line(product: tuple[str, str, str, int], quantity: int) -> Record:
    identifier, title, _, price = product
    total = f"{price * quantity:.2f}"
    return {
        "product": {"id": identifier, "sku": identifier.upper(), "title": title},
        "sku": identifier.upper(),
        "quantity": f"{quantity}.0000",
        "unit_price": f"{price:.2f}",
        "subtotal": total,
        "total": total,
    }


def _optimizely_purchase(person: Person, order: Order) -> Record:
    return {
        "type": "order",
        "action": "purchase",
        "identifiers": {"email": person.email, "customer_id": person.customer_id},
        "data": {
            "ts": _epoch(order.at),
            "order": {
                "order_id": order.number,
                "total": order.total,
                "subtotal": order.goods,
                "shipping": order.shipping,
            },
        },
    }


def _omnisend_purchase(person: Person, order: Order) -> Record:
    return {
        "eventName": "placed order",
        "eventTime": _iso(order.at),
        "origin": "api",
        "eventVersion": "v2",
        "eventID": f"shop-{order.number}",
        "contact": {"id": f"65f0c0ffee{person.number:014x}", "email": person.email},
        "properties": {
            "orderID": order.number,
            "orderNumber": order.number,
            "createdAt": _iso(order.at),
            "currency": person.currency,
            "totalPrice": order.total,
            "subTotalPrice": order.goods,
            "shippingPrice": order.shipping,
            "totalDiscount": order.discount,
            "paymentStatus": "paid",
            "lineItems": [_omnisend_line(product, quantity) for product, quantity in order.lines],
        },
    }


def _omnisend_line(product: tuple[str, str, str, int], quantity: int) -> Record:
    identifier, title, kind, price = product
    category = {"id": kind.lower(), "title": kind}
    return {
        "productID": identifier,
        "productTitle": title,
        "productQuantity": quantity,
        "productPrice": price,
        "productCategories": [category],
    }


def _redemption(person: Person, order: Order) -> Record:
    return {
        "object": "redemption",
        "id": f"r_{order.number}",
        "date": _iso(order.at),
        "customer_id": f"cust_Shop{person.customer_id}",
        "related_object_type": "voucher",
        "voucher": {
            "id": f"v_{order.coupon}",
            "code": order.coupon,
            "campaign": "Shop codes",
            "campaign_id": "camp_Shop",
            "object": "voucher",
        },
        "result": "SUCCESS",
        "status": "SUCCEEDED",
        "order": {"id": f"ord_{order.number}", "source_id": order.number, "object": "order"},
        "customer": {
            "id": f"cust_Shop{person.customer_id}",
            "email": person.email,
            "source_id": person.customer_id,
            "object": "customer",
        },
    }


def _touches(chance: random.Random, person: Person) -> Reported:
    """What brought the person to an order, and looks that led to none."""
    if not person.is_at("optimizely"):
        return
    for order in person.orders:
        for _ in range(chance.choice((0, 1, 1, 2))):
            yield from _touch(chance, person, order.at - timedelta(days=chance.expovariate(1 / 5), minutes=5))
        yield from _look(chance, person, order.at - timedelta(minutes=chance.randint(2, 90)))
    for _ in range(chance.choice((0, 0, 1, 3))):
        yield from _look(chance, person, person.found_us + (END - person.found_us) * chance.random())


def _touch(chance: random.Random, person: Person, at: datetime) -> Reported:
    if at < BEGIN:
        return
    if chance.random() < 0.5:
        campaign = chance.choice(CAMPAIGNS)
        yield "optimizely", "events", at, _event(person, at, "email", "click", campaign_id=campaign)
    else:
        source, medium = chance.choice(SOURCES)
        page = f"https://shop.example/ferns?utm_source={source}&utm_medium={medium}&utm_campaign={chance.choice(CAMPAIGNS)}"
        yield "optimizely", "events", at, _event(person, at, "pageview", None, page=page)


def _look(chance: random.Random, person: Person, at: datetime) -> Reported:
    product = chance.choice(PRODUCTS)
    action = chance.choice(("detail", "detail", "add_to_cart"))
    yield "optimizely", "events", at, _event(person, at, "product", action, product_id=product[0])


def _event(person: Person, at: datetime, kind: str, action: str | None, **data: str) -> Record:
    reported = {
        "type": kind,
        "action": action,
        "identifiers": {"email": person.email},
        "data": {"ts": _epoch(at), **data},
    }
    return {name: value for name, value in reported.items() if value is not None}


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _epoch(at: datetime) -> int:
    return int(at.timestamp())


def _land(path: Path, records: Iterable[Record | str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
