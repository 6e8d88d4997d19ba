"""A vendor's words in ours, and the yes and no of consent, as expressions."""

from collections.abc import Mapping
from functools import cache

import polars as pl

from orchestration.mapping.consent_words import CONSENT_WORDS, DENIED_REFUSAL, JOINT, PLAIN_NO, REFUSAL, bare_word
from orchestration.mapping.expressions import first_given, given
from orchestration.mapping.values import Word
from orchestration.parsing import times
from orchestration.parsing.text import EMPTY_WORDS


def word_form(stated: pl.Expr) -> pl.Expr:
    """A word as it is compared: case, blanks, hyphens and underscores aside."""
    return stated.str.to_lowercase().str.replace_all(f"{JOINT}+", "")


def _known(table: Mapping[str, str]) -> pl.DataFrame:
    """One row per word of a vendor's: as it is compared (`theirs`), and `ours`."""
    return _compared(tuple(table.items()))


@cache  # The words of consent are asked for by hundreds of expressions.
def _compared(table: tuple[tuple[str, str], ...]) -> pl.DataFrame:
    known = {bare_word(theirs): ours for theirs, ours in table}
    return pl.DataFrame({"theirs": list(known), "ours": list(known.values())}, schema_overrides=_WORDS)


_WORDS = {"theirs": pl.String, "ours": pl.String}


def translated(stated: pl.Expr, table: Mapping[str, str]) -> pl.Expr:
    """The vendor's word in ours; null where the table does not know it."""
    known = _known(table)
    return word_form(stated).replace_strict(known["theirs"], known["ours"], default=None, return_dtype=pl.String)


def is_unknown(stated: pl.Expr, table: Mapping[str, str]) -> pl.Expr:
    """A word is given that the table does not know."""
    return given(stated) & translated(stated, table).is_null()


def word(stated: pl.Expr, table: Mapping[str, str], otherwise: pl.Expr | str | None = None) -> Word:
    """The vendor's word in ours, `otherwise` where none is given. See `Word` for one that is not known."""
    default = pl.lit(otherwise, pl.String) if otherwise is None or isinstance(otherwise, str) else otherwise
    return words(pl.when(given(stated)).then(translated(stated, table)).otherwise(default), (stated, table))


def words(expr: pl.Expr, *sources: tuple[pl.Expr, Mapping[str, str]]) -> Word:
    """Our word, made of several of the vendor's, each with the table that knows it. See `Word`."""
    return Word(expr, tuple((stated, frozenset(_known(table)["theirs"])) for stated, table in sources))


def consent_word(stated: pl.Expr, **own: str) -> Word:
    """Consent as a word or a yes or no states it; `own` are words that only this vendor uses."""
    table = {**CONSENT_WORDS, **own}
    said = _said(stated, table)
    return words(pl.when(given(stated)).then(said).otherwise(pl.lit("unknown")), (stated, table))


def consent_said(stated: pl.Expr) -> pl.Expr:
    """opt_in or opt_out, where a word or a yes or no says so; else null."""
    said = _said(stated, CONSENT_WORDS)
    return pl.when(said.is_in(["opt_in", "opt_out"])).then(said)


def _said(stated: pl.Expr, table: Mapping[str, str]) -> pl.Expr:
    """What a word says by the table; one that is not in it and holds a refusal is a no."""
    return pl.coalesce(translated(stated, table), pl.when(refuses(stated)).then(pl.lit("opt_out")))


def refuses(stated: pl.Expr) -> pl.Expr:
    """A refusal or a complaint stands in the word."""
    form = stated.str.to_lowercase()
    return (form.str.contains(REFUSAL) & ~form.str.contains(DENIED_REFUSAL)).fill_null(value=False)


def is_no(stated: pl.Expr) -> pl.Expr:
    """A word that refuses, or a plain no."""
    return (consent_said(stated) == "opt_out").fill_null(value=False)


# A moment as text that sorts as it does.
_SORTED, _SORTED_LENGTH = "%Y-%m-%dT%H:%M:%S%.6f", 26
# What databases and programs write for a time that there is not.
_NO_TIME = r"^(?:0000-00-00|0001-01-01|1899-12-30|1900-01-01|1901-01-01|1970-01-01)(?:[T ]|$)"


def is_no_time(stated: pl.Expr) -> pl.Expr:
    """A word for nothing in the place of a time, or the day that stands for none."""
    text = stated.str.strip_chars()
    return (text.str.to_lowercase().is_in(EMPTY_WORDS) | text.str.contains(_NO_TIME)).fill_null(value=False)


def stated_time(stated: pl.Expr) -> pl.Expr:
    """What stands in the place of a time at which something happened; a no or a word for nothing says that it did
    not."""
    return pl.when(~is_plain_no(stated) & ~is_no_time(stated)).then(stated)


def yes_since(agreed: pl.Expr) -> pl.Expr:
    """Since when there is a yes, by the field of its time; a no or a word for nothing in its place is none."""
    return pl.when(~is_no(agreed) & ~is_no_time(agreed)).then(agreed)


def last_time(stated: pl.Expr) -> pl.Expr:
    """The latest in a list of times, as delivered; one that cannot be read is none."""
    moment = times.time(pl.element()).struct.field("value").dt.strftime(_SORTED)
    return stated.list.eval(pl.concat_str(moment, pl.element())).list.max().str.slice(_SORTED_LENGTH)


def is_plain_no(stated: pl.Expr) -> pl.Expr:
    """No, false, 0 and their like, which say in the place of a refusal that there is none."""
    return word_form(stated).is_in(list(map(bare_word, PLAIN_NO))).fill_null(value=False)


def no_since(refused: pl.Expr, agreed: pl.Expr) -> pl.Expr:
    """Since when there is a no, by the field of its time; a plain no or a word for nothing in its place takes nothing
    back, and a no in place of the time of a yes is one."""
    return first_given(stated_time(refused), pl.when(is_no(agreed)).then(agreed))


def is_no_last(refused: pl.Expr, agreed: pl.Expr) -> pl.Expr:
    """The no came after the yes, by the times of both; a no whose time cannot be read did, and a day counts to its
    end."""
    read_no, read_yes = times.time(refused, date_hour=24), times.time(agreed)
    came_after = read_no.struct.field("value") >= read_yes.struct.field("value")
    return given(refused) & (~given(agreed) | came_after.fill_null(value=True))
