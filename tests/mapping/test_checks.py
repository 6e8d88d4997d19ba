"""Mistakes in a vendor's module are found where they are written, each in one sentence."""

import re

import pytest

from orchestration.mapping.checks import MappingError
from orchestration.mapping.expressions import at
from orchestration.mapping.model import Dialect, dialect, stream
from orchestration.mapping.record_schema import TEXT
from orchestration.mapping.selects import Contact, Identifier, rows

WHO = Contact((Identifier("email", at("mail"), "mail"),))
SHAPE = {"id": TEXT, "mail": TEXT, "place": {"city": TEXT}}


def made(name: str = "till.visit", read: str = "id", **more: tuple[str, ...]) -> Dialect:
    return dialect(name, "visit", SHAPE, rows("events", event_id=at(read)), about=WHO, **more)


def test_rows_of_a_table_that_there_is_not() -> None:
    with pytest.raises(MappingError, match="`event` is no canonical table; did you mean `events`"):
        rows("event", event_id=at("id"))


def test_a_column_that_the_table_does_not_have() -> None:
    with pytest.raises(MappingError, match="`evnt_id` is no column of `events`; did you mean `event_id`"):
        rows("events", evnt_id=at("id"))


def test_a_type_of_identifier_that_there_is_not() -> None:
    with pytest.raises(MappingError, match="`e-mail` is no type of identifier; did you mean `email`"):
        Identifier("e-mail", at("mail"), "mail")


def test_a_field_that_the_shape_does_not_hold() -> None:
    with pytest.raises(
        MappingError,
        match=re.escape("`till.visit` reads `place.cty`, which its shape does not hold; did you mean `place.city`"),
    ):
        made(read="place.cty")


def test_a_dialect_that_must_have_and_lack_one_key() -> None:
    with pytest.raises(MappingError, match="must have and must lack `id`"):
        made(has=("id",), lacks=("id",))


def test_a_dialect_that_nothing_distinguishes_from_an_earlier_one() -> None:
    with pytest.raises(
        MappingError,
        match=re.escape("no record of stream `visits` can be `till.other`: every one is `till.visit` before"),
    ):
        stream("visits", "Visits.", made(), made("till.other"))


def test_two_dialects_of_one_name() -> None:
    with pytest.raises(MappingError, match=re.escape("two dialects named `till.visit`")):
        stream("visits", "Visits.", made(), made(has=("id",)))
