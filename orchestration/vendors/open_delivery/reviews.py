"""Reviews: one overall rating in the draft, a list of ratings of several kinds in rc.2, a bare score in the transport
view.

Ratings of different scales are never averaged: each is put on 0 to 1 by its own scale, or by the usual one of its
method.
"""

import polars as pl

from orchestration.mapping.expressions import at, first_given, item, lookup
from orchestration.mapping.model import Dialect, dialect
from orchestration.mapping.record_schema import FLAG, NUMBER, SCALAR, TEXT
from orchestration.mapping.selects import Contact, Identifier, Rows, rows
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import words
from orchestration.parsing.numbers import double
from orchestration.vendors.open_delivery.identifiers import (
    IDENTIFIER,
    canonical_identifier,
    customer_key,
    customer_reference,
    identifier_type,
    nothing,
)

METHODS = {
    "STAR": "stars",
    "STARS": "stars",
    "NPS": "nps",
    "THUMBS_UP_DOWN": "binary",
    "BINARY": "binary",
    "SCORE": "score",
    "OTHER": "other",
}
SCALES = {"stars": (1.0, 5.0), "nps": (0.0, 10.0), "binary": (0.0, 1.0)}
# A thumb down is reported as 0, -1 or a word.
THUMBS = dict.fromkeys(("true", "up", "like", "thumbs_up", "yes"), "1") | dict.fromkeys(
    ("false", "down", "dislike", "thumbs_down", "no", "-1"), "0"
)


def _rating(method: pl.Expr, value: pl.Expr, low: pl.Expr, high: pl.Expr, **columns: Value) -> dict[str, Value]:
    kind = lookup(method, METHODS, "other")
    number = double(
        pl.when(kind == "binary")
        .then(lookup(value, THUMBS, value))
        .otherwise(lookup(value, {"true": "1", "false": "0"}, value))
    )
    lowest = pl.coalesce(
        double(low),
        kind.replace_strict({name: scale[0] for name, scale in SCALES.items()}, default=None, return_dtype=pl.Float64),
    )
    highest = pl.coalesce(
        double(high),
        kind.replace_strict({name: scale[1] for name, scale in SCALES.items()}, default=None, return_dtype=pl.Float64),
    )
    is_on_scale = number.is_between(lowest, highest) & (lowest < highest)
    return {
        "method": words(kind, (method, METHODS)),
        "value_raw": value,
        "value_num": Typed(number, given=value),
        "scale_min": Typed(lowest, given=low),
        "scale_max": Typed(highest, given=high),
        "score_0_1": Typed(
            pl.when(is_on_scale).then((number - lowest) / (highest - lowest)), given=pl.when(~is_on_scale).then(value)
        ),
        **columns,
    }


def _only_rating(review_id: pl.Expr, method: pl.Expr, value: pl.Expr, comment: pl.Expr) -> Rows:
    return rows(
        "review_ratings",
        where=value.is_not_null(),
        review_id=review_id,
        rating_no=Typed(pl.lit(1)),
        comment=comment,
        **_rating(method, value, nothing, nothing, is_overall=Typed(pl.lit(value=True))),
    )


draft_review = dialect(
    "open_delivery.draft",
    "review",
    {
        "reviewId": TEXT,
        "reviewType": TEXT,
        "overallRating": {"ratingStyle": TEXT, "value": SCALAR, "comment": TEXT},
        "subject": {"orderId": TEXT, "merchantId": TEXT},
        "customer": {"customerId": TEXT, "name": TEXT, "email": TEXT, "phone": TEXT},
        "reviewDate": TEXT,
        "source": {"system": TEXT, "channel": TEXT},
    },
    rows(
        "reviews",
        review_id=at("reviewId"),
        review_type=at("reviewType"),
        source_order_id=at("subject.orderId"),
        merchant_id=at("subject.merchantId"),
        reviewed_at=time(at("reviewDate"), else_export_date=True),
        comment=at("overallRating.comment"),
        source_name=at("source.system"),
        channel=at("source.channel"),
        id_type=pl.when(at("customer.customerId").is_not_null())
        .then(pl.lit("customer_id"))
        .when(at("customer.email").is_not_null())
        .then(pl.lit("email")),
        id_value=first_given(at("customer.customerId"), at("customer.email")),
    ),
    _only_rating(
        at("reviewId"), at("overallRating.ratingStyle"), at("overallRating.value"), at("overallRating.comment")
    ),
    about=Contact(
        identifiers=(
            customer_reference(at("customer.customerId"), "customer.customerId"),
            Identifier("email", at("customer.email"), "customer.email"),
            Identifier("phone", at("customer.phone"), "customer.phone"),
        ),
        profile_id=at("customer.customerId"),
        attributes={"full_name": at("customer.name")},
    ),
    has=("overallRating",),
    kinds=("review",),
)
rc2_review = dialect(
    "open_delivery.rc2",
    "review",
    {
        "id": TEXT,
        "merchantId": TEXT,
        "customerIdentifier": IDENTIFIER,
        "orderId": TEXT,
        "source": TEXT,
        "ratings": [
            {
                "method": TEXT,
                "value": SCALAR,
                "scaleMin": NUMBER,
                "scaleMax": NUMBER,
                "isOverall": FLAG,
                "category": TEXT,
                "question": TEXT,
                "comment": TEXT,
            }
        ],
        "comment": TEXT,
        "createdAt": TEXT,
    },
    rows(
        "reviews",
        review_id=at("id"),
        source_order_id=at("orderId"),
        merchant_id=at("merchantId"),
        reviewed_at=time(at("createdAt"), else_export_date=True),
        comment=at("comment"),
        source_name=at("source"),
        id_type=identifier_type(at("customerIdentifier.type")),
        id_value=at("customerIdentifier.value"),
    ),
    rows(
        "review_ratings",
        each="ratings",
        review_id=at("id"),
        rating_no=Typed(pl.col("position")),
        category=item("category"),
        question=item("question"),
        comment=item("comment"),
        **_rating(
            item("method"),
            item("value"),
            item("scaleMin"),
            item("scaleMax"),
            is_overall=first_given(item("isOverall"), pl.lit("false")),
        ),
    ),
    about=Contact(
        identifiers=(canonical_identifier("customerIdentifier"),), profile_id=customer_key("customerIdentifier")
    ),
    has=("ratings",),
    kinds=("review",),
)
TRANSPORT_REVIEW = {"id": TEXT, "referenceType": TEXT, "score": NUMBER, "comment": TEXT}


def _transport_review(wrapper: str | None, *, has: tuple[str, ...]) -> Dialect:
    start = f"{wrapper}." if wrapper else ""
    return dialect(
        "open_delivery.transport.wrapped" if wrapper else "open_delivery.transport",
        "review",
        {wrapper: TRANSPORT_REVIEW} if wrapper else TRANSPORT_REVIEW,
        rows(
            "reviews",
            review_id=at(f"{start}id"),
            review_type=at(f"{start}referenceType"),
            comment=at(f"{start}comment"),
            reviewed_at=time(else_export_date=True),
        ),
        _only_rating(at(f"{start}id"), pl.lit("score"), at(f"{start}score"), nothing),
        about=None,
        has=has,
        kinds=("review",),
    )


REVIEWS = (
    draft_review,
    rc2_review,
    _transport_review(None, has=("score",)),
    _transport_review("review", has=("review",)),
)
