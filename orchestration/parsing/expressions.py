"""Text columns into typed, normalised ones: numbers, times, codes, e-mail, phone, document. Pure Polars expressions.

Every function takes expressions of text as delivered and never raises on data: what cannot be read is null, and the
caller compares given with parsed to book the failure. Identifiers come back as a struct that says why a value is not
valid. Nothing here knows a vendor, a table or a file; phone numbering plans are in `phone_numbers.py`, names in `geography.py`.
"""

from collections.abc import Callable
from functools import partial

import idna
import polars as pl

from orchestration.canonical import geography
from orchestration.parsing import phone_numbers

ISO: tuple[str, ...] = ("iso", "iso_date", "epoch")

# The nine formats of ODP's CSV import (developer.zaius.com, "CSV Upload"): epoch seconds, ISO 8601 with or without zone, and
# US dates, month first, year in two or four digits, with or without seconds or time; without a time it is 12 AM UTC.
ODP_TIME_FORMATS: tuple[str, ...] = (
    "epoch_s",
    "iso",
    "iso_date",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%y %H:%M",
    "%m/%d/%Y",
    "%m/%d/%y",
)

# Words that systems and people write where there is no value.
EMPTY_WORDS = (
    "null", "none", "nil", "nan", "n/a", "na", "n.a.", "undefined", "unknown", "empty", "not available", "not provided", "no email", "noemail",
    "nao informado", "não informado", "nao tem", "não tem", "sem email", "sem e-mail", "-", "--", "---", ".", "?", "0",
)  # fmt: skip

# Mail providers whose own documentation says that "+anything" reaches the same mailbox.
PLUS_TAG_DOMAINS = (
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "icloud.com", "me.com", "mac.com",
    "fastmail.com", "fastmail.fm", "protonmail.com", "proton.me", "pm.me",
)  # fmt: skip

BRAZILIAN_DOCUMENT_KINDS = ("cpf", "cnpj", "cpfcnpj", "taxid", "document")
CPF_WEIGHTS = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
CNPJ_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)

GENDERS = {
    "f": ("f", "female", "feminino", "feminina", "femenino", "femenina", "woman", "mulher", "mujer", "femme", "frau", "weiblich", "w"),
    "m": ("m", "male", "masculino", "masculina", "man", "homem", "hombre", "homme", "herr", "mannlich"),
    "x": ("x", "d", "o", "other", "outro", "otro", "divers", "diverse", "non binary", "nonbinary", "nao binario", "no binario", "unspecified"),
}

NAME_TITLES = ("mr", "mrs", "ms", "miss", "mx", "dr", "dra", "prof", "sr", "sra", "srta", "herr", "frau", "dona", "mme", "mlle")

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
_ISO_TIME = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]+))?)?"
    r" ?(?:(?P<utc>[Zz]|UTC|GMT)|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3])(?::?(?P<minutes>[0-5][0-9]))?)?$"
)
# Of whole seconds in UTC, as most are written: read in a fifth of the time.
_USUAL_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
_TIME = pl.Struct({"value": pl.Datetime("us", "UTC"), "is_zone_inferred": pl.Boolean})
_LONGEST_NUMBER = 100
_EARLIEST_TIME, _LATEST_TIME = pl.datetime(1990, 1, 1, time_zone="UTC"), pl.datetime(2101, 1, 1, time_zone="UTC")


def clean(expr: pl.Expr) -> pl.Expr:
    """Text without white space around it; blank is null. Inside nothing changes."""
    return expr.cast(pl.String).str.strip_chars().replace("", None)


def _staged(read: Callable[[pl.DataFrame], pl.Series], dtype: pl.DataType | type[pl.DataType], **columns: pl.Expr) -> pl.Expr:
    """`read` over a frame of the columns, so that a step used twice is computed once: an expression that repeats itself grows exponentially."""
    return pl.struct(**columns).map_batches(lambda struct: read(struct.struct.unnest()), return_dtype=dtype, is_elementwise=True)  # ty: ignore[no-matching-overload]


def by_distinct(words: pl.Series, translate: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    """Translation of a column of few different words, each looked up once."""
    distinct = words.drop_nulls().unique()
    if not distinct.len():
        return pl.Series(words.name, [None] * words.len(), dtype=pl.String)
    found = distinct.to_frame("word").select(translate(pl.col("word"))).to_series()
    return words.replace_strict(distinct, found, default=None, return_dtype=pl.String)


# --- numbers


def money(expr: pl.Expr) -> pl.Expr:
    """DECIMAL(18,4), exact, half up (away from zero) beyond four decimals; null unless it is a plain or scientific number that fits."""
    return _staged(partial(_decimals, scale=4), pl.Decimal(38, 4), text=clean(expr)).cast(pl.Decimal(18, 4), strict=False)


def decimal(expr: pl.Expr) -> pl.Expr:
    """The type and rule of `money`, for figures that are not money."""
    return money(expr)


def number(expr: pl.Expr) -> pl.Expr:
    """DECIMAL(38,6), exact, half up beyond six decimals."""
    return _staged(partial(_decimals, scale=6), pl.Decimal(38, 6), text=clean(expr))


def minor_to_major(expr_money_text: pl.Expr, exponent: pl.Expr | int) -> pl.Expr:
    """Amount in minor units (cents) as DECIMAL(18,4) in major units, exact: the point moves `exponent` digits to the left."""
    places = pl.lit(exponent) if isinstance(exponent, int) else exponent
    major = _staged(partial(_decimals, scale=4), pl.Decimal(38, 4), text=clean(expr_money_text), places=-places.cast(pl.Int64))
    return major.cast(pl.Decimal(18, 4), strict=False)


def cents_to_major(expr_money_text: pl.Expr, exponent: pl.Expr | int) -> pl.Expr:
    """Like `minor_to_major`, but null for a fraction: there is no part of a cent, so the amount was meant in another unit."""
    text = clean(expr_money_text)
    return pl.when(~text.str.contains(r"\.[0-9]*[1-9][0-9]*$|[eE]-")).then(minor_to_major(text, exponent))


def integer(expr: pl.Expr) -> pl.Expr:
    """BIGINT of a whole number, also written `5.0` or `1e3`; null if it has a fraction or does not fit."""
    plain = _staged(_plain, pl.String, text=clean(expr)).str.replace(r"^([+-]?)\.0", "${1}0.0")
    return plain.str.extract(r"^([+-]?[0-9]+)(?:\.0*)?$").cast(pl.Int64, strict=False)


def double(expr: pl.Expr) -> pl.Expr:
    """DOUBLE; null unless finite."""
    value = clean(expr).cast(pl.Float64, strict=False)
    return pl.when(value.is_finite()).then(value)


def flag(expr: pl.Expr) -> pl.Expr:
    """BOOLEAN of true/false, t/f, yes/no, y/n, 1/0 in any case; anything else is null."""
    words = {"true": True, "t": True, "yes": True, "y": True, "1": True, "false": False, "f": False, "no": False, "n": False, "0": False}
    return clean(expr).str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Boolean)


def _decimals(frame: pl.DataFrame, *, scale: int) -> pl.Series:
    """Half up by text: cut after `scale` decimals, then one unit away from zero where the next digit is 5 or more."""
    plain, cut = pl.col("plain"), pl.col("cut")
    digits = frame.select(plain=_plain(frame))
    long = plain.str.contains(rf"\.[0-9]{{{scale + 1}}}")
    if not digits.select(long.any()).item():
        return digits["plain"].cast(pl.Decimal(38, scale), strict=False)
    unit = pl.when(plain.str.starts_with("-")).then(pl.lit(f"-1e-{scale}")).otherwise(pl.lit(f"1e-{scale}")).cast(pl.Decimal(38, scale))
    largest = pl.lit("9" * (38 - scale)).cast(pl.Decimal(38, scale))
    is_up = plain.str.contains(rf"\.[0-9]{{{scale}}}[5-9]")
    staged = digits.select(
        cut=plain.str.extract(rf"^([+-]?[0-9]*\.?[0-9]{{0,{scale}}})").cast(pl.Decimal(38, scale), strict=False),
        unit=pl.when(is_up).then(unit).otherwise(pl.lit("0").cast(pl.Decimal(38, scale))),
    )
    return staged.select(pl.when(cut.abs() < largest).then(cut) + pl.when(cut.abs() < largest).then("unit")).to_series()


def _plain(frame: pl.DataFrame) -> pl.Series:
    """The numbers in `text` without an exponent, as text; null where it is no number. The point moves by `places`, where that is given."""
    text = pl.col("text")
    is_number = text.str.contains(_NUMBER) & (text.str.len_bytes() <= _LONGEST_NUMBER)
    numbers = frame.with_columns(text=pl.when(is_number).then(text))
    is_scientific = text.str.contains("[eE]")
    if "places" not in frame.columns:
        if not numbers.select(is_scientific.any()).item():
            return numbers["text"]
        numbers = numbers.with_columns(places=pl.lit(0, pl.Int64))
    exponent = text.str.extract("[eE]([+-]?[0-9]+)$").cast(pl.Int64).fill_null(0)
    moved = numbers.with_columns(text=text.str.extract("^([^eE]*)"), places=pl.col("places") + exponent)
    return (
        moved.with_columns(moved=pl.when(pl.col("places") != 0).then("text"))
        .select(pl.when(pl.col("places") == 0).then("text").otherwise(_shifted(pl.col("moved"), pl.col("places"))))
        .to_series()
    )


def _shifted(text: pl.Expr, places: pl.Expr) -> pl.Expr:
    """The plain number with its point moved to the right by `places` (negative: left): exact, for it is done on the text."""
    padding = "0" * (_LONGEST_NUMBER + 20)
    whole = text.str.extract(r"^[+-]?([0-9]*)")
    fraction = text.str.extract(r"\.([0-9]*)$").fill_null("")
    digits = pl.concat_str(pl.lit(padding), whole, fraction, pl.lit(padding))
    point = len(padding) + whole.str.len_bytes().cast(pl.Int64) + places.clip(-len(padding), len(padding))
    major = digits.str.slice(0, point.cast(pl.UInt64)).str.strip_chars_start("0")
    minor = digits.str.slice(point).str.strip_chars_end("0")
    return pl.concat_str(text.str.extract("^([+-]?)"), pl.lit("0"), major, pl.lit("."), minor)


# --- dates and times


def date(expr: pl.Expr, formats: tuple[str, ...] = ()) -> pl.Expr:
    """DATE as written (never moved by a zone): ISO date, the date of an ISO time, then `formats` in order; null outside 1850..2200."""
    text = clean(expr)
    iso = pl.coalesce(text.str.extract(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})$"), text.str.extract(_ISO_TIME)).str.to_date("%Y-%m-%d", strict=False)
    candidates = [iso, *(text.str.to_date(form, strict=False) for form in formats)]
    return pl.coalesce(pl.when(day.dt.year().is_between(1850, 2200)).then(day) for day in candidates)


def time(expr: pl.Expr, formats: tuple[str, ...] = ISO, zone: str = "UTC", *, date_hour: int = 0) -> pl.Expr:
    """struct{value: Datetime(us, UTC), is_zone_inferred}: the first of `formats` that reads the text as a time in 1990..2100.

    A format is `iso` (RFC 3339 and its looser kin: blank for T, no seconds, `Z`, `+00:00`, `+0000`, `+00` or no zone),
    `iso_date`, `epoch_s`, `epoch_ms`, `epoch` (seconds or milliseconds by the number of digits, which is a guess and
    flagged as one), or a strftime pattern. A time without a zone is taken to be in `zone`, one that
    clocks show twice as the earlier, one they skip as if they had not been put forward; a bare date is at `date_hour`.
    """
    return clean(expr).map_batches(partial(_first_plausible, formats=formats, zone=zone, date_hour=date_hour), return_dtype=_TIME, is_elementwise=True)


def _first_plausible(texts: pl.Series, *, formats: tuple[str, ...], zone: str, date_hour: int) -> pl.Series:
    """A format is asked only where those before it left something to be read."""
    frame = texts.to_frame("text")
    read: pl.DataFrame | None = None
    for form in formats:
        reading = _iso_times(frame, zone=zone) if form == "iso" else frame.select(_reading(pl.col("text"), form, zone=zone, date_hour=date_hour)).to_series()
        is_plausible = pl.col("value").is_between(_EARLIEST_TIME, _LATEST_TIME, closed="left")
        plausible = reading.struct.unnest().select(pl.when(is_plausible).then(pl.all()))
        read = plausible if read is None else read.select(pl.coalesce(pl.col(name), plausible.get_column(name)) for name in read.columns)
        if read["value"].null_count() == texts.null_count():
            break
    assert read is not None
    return read.to_struct()


def _reading(text: pl.Expr, form: str, *, zone: str, date_hour: int) -> pl.Expr:
    """struct{value, is_zone_inferred} of the text in one format, null where it does not read so."""
    if form in ("epoch_s", "epoch_ms"):
        places = pl.lit(6 if form == "epoch_s" else 3, pl.Int64)
        micros = _staged(_plain, pl.String, text=text, places=places).str.extract(r"^([+-]?[0-9]+)").cast(pl.Int64, strict=False)
        return pl.struct(value=micros.cast(pl.Datetime("us", "UTC")), is_zone_inferred=False)
    if form == "epoch":
        seconds = text.str.extract(r"^([0-9]{10})(?:[0-9]{3})?$").cast(pl.Int64, strict=False)
        millis = text.str.extract(r"^[0-9]{10}([0-9]{3})$").cast(pl.Int64, strict=False).fill_null(0)
        return pl.struct(value=(seconds * 1_000_000 + millis * 1_000).cast(pl.Datetime("us", "UTC")), is_zone_inferred=True)
    if "%z" in form or "%:z" in form or "%#z" in form:
        return pl.struct(value=text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False), is_zone_inferred=False)
    if form == "iso_date":
        naive = text.str.extract("^([0-9]{4}-[0-9]{2}-[0-9]{2})$").str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")) + pl.duration(hours=date_hour)
    elif "%H" in form or "%I" in form:
        naive = text.str.to_datetime(form, time_unit="us", strict=False)
    else:
        naive = text.str.to_date(form, strict=False).cast(pl.Datetime("us")) + pl.duration(hours=date_hour)
    return pl.struct(value=_in_zone(naive, zone), is_zone_inferred=True)


def _iso_times(frame: pl.DataFrame, *, zone: str) -> pl.Series:
    text = pl.col("text")
    if frame.select(text.str.contains(_USUAL_TIME).all()).item():
        value = text.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False).dt.replace_time_zone("UTC")
        return frame.select(value=value, is_zone_inferred=pl.lit(value=False)).to_struct()
    parts = frame.select(pl.col("text").str.extract_groups(_ISO_TIME)).to_series().struct.unnest()
    fraction = pl.concat_str(pl.col("fraction").fill_null(""), pl.lit("000000")).str.slice(0, 6)
    whole = pl.concat_str("date", pl.lit("T"), "time", pl.lit(":"), pl.col("second").fill_null("00"), pl.lit("."), fraction)
    minutes = pl.col("hours").cast(pl.Int64) * 60 + pl.col("minutes").cast(pl.Int64).fill_null(0)
    staged = parts.select(
        naive=whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False),
        offset=pl.when(pl.col("utc").is_not_null()).then(0).when(pl.col("sign") == "-").then(-minutes).otherwise(minutes),
    )
    told = (pl.col("naive") - pl.duration(minutes="offset")).dt.replace_time_zone("UTC")
    is_naive = pl.col("offset").is_null()
    naive = pl.when(is_naive).then("naive")
    return staged.select(value=pl.when(is_naive).then(_in_zone(naive, zone)).otherwise(told), is_zone_inferred=is_naive).to_struct()


def _in_zone(naive: pl.Expr, zone: str) -> pl.Expr:
    """UTC of a wall clock time; no gap is longer than a day (Samoa skipped one in 2011), so a day and two hours earlier it was told."""
    told = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    before = pl.duration(hours=26)
    skipped = (naive - before).dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC") + before
    return pl.coalesce(told, skipped)


# --- identifiers


def email(expr: pl.Expr) -> pl.Expr:
    """struct{value, link_value, is_valid, invalid_reason} of an e-mail address; all null where nothing is given.

    `value` is what is shown: trimmed, NFKC, lower case, without `mailto:`, brackets or a name before it; null unless it is an
    address. `link_value` is what joins people: domain in punycode, plus tags off for PLUS_TAG_DOMAINS, and for Gmail the
    dots off and one domain. Reasons: empty_word, obfuscated_placeholder (`[email protected]` of web pages), masked, malformed.
    An address whose local part is not ASCII (RFC 6531) is valid, but carries the reason non_ascii_local_part as a flag.
    """
    return _staged(_emails, _EMAIL, text=clean(expr))


_EMAIL = pl.Struct({"value": pl.String, "link_value": pl.String, "is_valid": pl.Boolean, "invalid_reason": pl.String})
_DOCUMENT = phone_numbers.RESULT
_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~\-]"
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
_LOCAL_PATTERN = rf"^{_LOCAL}+(?:\.{_LOCAL}+)*$"
_UNICODE_LOCAL_PATTERN = r"^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~\-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~\-]+)*$"
_PLAIN_EMAIL = r"^[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9\-]*[a-z0-9])?$"
_LONGEST_LOCAL_PART = 64
# Reserved (RFC 5891, 4.2.3.1): hyphens in third and fourth place of a label that is not punycode.
_RESERVED_LABEL = r"(?:^|\.)(?:[^x.][^.]|x[^n.])--"
_DOMAIN_PATTERN = rf"^(?:{_LABEL}\.)+[a-z](?:[a-z0-9\-]{{0,61}}[a-z0-9])?$"


def _email_text(text: pl.Expr) -> pl.Expr:
    text = text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[\u{200B}-\u{200F}\u{2060}\u{FEFF}\u{AD}]", "")
    bracketed = pl.coalesce(text.str.extract(r"<\s*(?:mailto:\s*)?([^<>\s]+@[^<>\s]+)\s*>"), text)
    return (
        bracketed.str.replace(r"^(?:mailto:|e-?mail:)\s*", "")
        .str.replace(r"^([^?]+@[^?]+)\?.*$", "$1")
        .str.strip_chars(" \t<>()\"',;:")
        .str.strip_chars_end(".,;: ")
    )


def _emails(texts: pl.DataFrame) -> pl.Series:
    text = pl.col("text")
    rows = texts.with_row_index("row")
    is_plain = rows.select(_is_plain_email()).to_series()
    parts = [part for part in (_plain_emails(rows.filter(is_plain)), _judged_emails(rows.filter(~is_plain))) if part.height]
    staged = pl.concat(parts or [_plain_emails(rows)]).sort("row").with_columns(is_gmail=pl.col("domain").is_in(("gmail.com", "googlemail.com")))
    local, domain = pl.col("local"), pl.col("domain")
    untagged = pl.when(domain.is_in(PLUS_TAG_DOMAINS)).then(local.str.replace(r"^([^+]+)[+].*$", "$1")).otherwise(local)
    linking = staged.filter("is_valid").select(
        local=pl.when("is_gmail").then(untagged.str.replace_all(".", "", literal=True)).otherwise(untagged),
        domain=pl.when("is_gmail").then(pl.lit("gmail.com")).otherwise(domain),
    )
    links = pl.repeat(None, staged.height, dtype=pl.String, eager=True)
    links = links.scatter(staged["is_valid"].fill_null(value=False).arg_true(), linking.select(pl.concat_str("local", pl.lit("@"), "domain")).to_series())
    return staged.select(pl.when("is_valid").then(text).alias("value"), links.alias("link_value"), "is_valid", "invalid_reason").to_struct()


def _is_plain_email() -> pl.Expr:
    """Written as most are, so that there is nothing to clean and nothing to doubt."""
    text = pl.col("text")
    is_odd = text.str.contains("--", literal=True) | text.str.contains("protected", literal=True) | text.str.starts_with("xxx")
    return (text.str.contains(_PLAIN_EMAIL) & (text.str.len_bytes() <= _LONGEST_LOCAL_PART) & ~is_odd).fill_null(value=False)


def _plain_emails(rows: pl.DataFrame) -> pl.DataFrame:
    parts = rows.with_columns(pl.col("text").str.split_exact("@", 1).struct.rename_fields(["local", "domain"]).alias("parts")).unnest("parts")
    return parts.select("row", "text", "local", "domain", invalid_reason=pl.lit(None, pl.String), is_valid=pl.lit(value=True))


def _judged_emails(rows: pl.DataFrame) -> pl.DataFrame:
    text, local, reason = pl.col("text"), pl.col("local"), pl.col("invalid_reason")
    cleaned = rows.with_columns(text=_email_text(text))
    parts = _with_ascii_domain(cleaned.with_columns(local=text.str.extract(r"^([^@]*)@[^@]*$"), domain=text.str.extract(r"@([^@]*)$")))
    judged = parts.with_columns(is_ascii=local.str.contains(_LOCAL_PATTERN)).with_columns(invalid_reason=_email_reason())
    is_valid = pl.when(text.is_not_null()).then(reason.is_null() | (reason == "non_ascii_local_part"))
    return judged.select("row", "text", "local", "domain", "invalid_reason", is_valid=is_valid)


def _email_reason() -> pl.Expr:
    text, local, domain = pl.col("text"), pl.col("local"), pl.col("domain")
    is_local = pl.col("is_ascii") | local.str.contains(_UNICODE_LOCAL_PATTERN)
    is_short = (local.str.len_bytes() <= _LONGEST_LOCAL_PART) & (local.str.len_bytes() + domain.str.len_bytes() <= 253)
    is_domain = domain.str.contains(_DOMAIN_PATTERN) & ~domain.str.contains(_RESERVED_LABEL)
    is_address = (is_local & is_short & is_domain).fill_null(value=False)
    return (
        pl.when(text.is_null()).then(None)
        .when(text.is_in(EMPTY_WORDS) | (text == "")).then(pl.lit("empty_word"))
        .when(text.str.contains(r"e-?mail\W{1,3}protected|^\W*e-?mailprotected\W*$")).then(pl.lit("obfuscated_placeholder"))
        .when(text.str.contains(r"[*•●]|^x{3,}@|\.{3}|…")).then(pl.lit("masked"))
        .when(~is_address).then(pl.lit("malformed"))
        .when(~pl.col("is_ascii")).then(pl.lit("non_ascii_local_part"))
    )  # fmt: skip


def _with_ascii_domain(parts: pl.DataFrame) -> pl.DataFrame:
    domain = pl.col("domain")
    odd = parts.filter(domain.str.contains(r"[^\x00-\x7F]"))["domain"].unique()
    if odd.is_empty():
        return parts
    return parts.with_columns(domain.replace_strict({name: _punycode(name) for name in odd}, default=domain, return_dtype=pl.String))


def _punycode(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None


def phone(value_expr: pl.Expr, region_expr: pl.Expr) -> pl.Expr:
    """struct{value, is_valid, invalid_reason} of a phone number as dialled in the region (ISO alpha-2, may be null); see `phones.parse`."""
    pair = pl.struct(value=clean(value_expr), region=clean(region_expr).str.to_uppercase())
    return pair.map_batches(phone_numbers.parse, return_dtype=phone_numbers.RESULT, is_elementwise=True)


def document(value_expr: pl.Expr, kind_expr: pl.Expr | None = None, country: str = "BR") -> pl.Expr:
    """struct{value, is_valid, invalid_reason} of an identity document, as `cpf:52998224725`; all null where nothing is given.

    Valid is only a Brazilian CPF with right check digits that are not all equal: it names one person. A CNPJ (14 characters,
    letters among the first twelve since July 2026) names a company and links nobody. Any other kind stays `<kind>:<value>`.
    Reasons: company, bad_check_digits, repeated_digits, masked, malformed, unknown_kind.
    """
    given = pl.lit(None, pl.String) if kind_expr is None else clean(kind_expr)
    bare = clean(value_expr).str.to_uppercase().str.replace_all(r"[\s.\-/]", "")
    return _staged(partial(_documents, country=country), _DOCUMENT, value=bare, kind=given.str.to_lowercase().str.replace_all("[^a-z0-9]", ""))


def _documents(frame: pl.DataFrame, *, country: str) -> pl.Series:
    value, kind, cpf, cnpj = (pl.col(name) for name in ("value", "kind", "cpf", "cnpj"))
    is_brazilian = pl.lit(country == "BR") & (kind.is_null() | kind.is_in(BRAZILIAN_DOCUMENT_KINDS))
    # A spreadsheet or a JSON number drops leading zeros; only where the kind says CPF may they be put back.
    is_short_cpf = is_brazilian & (kind == "cpf") & value.str.contains("^[0-9]{3,10}$")
    staged = frame.with_columns(value=pl.when(is_short_cpf).then(value.str.zfill(11)).otherwise(value)).with_columns(
        cpf=pl.when(is_brazilian & value.str.contains("^[0-9]{11}$")).then(value),
        cnpj=pl.when(is_brazilian & value.str.contains("^[0-9A-Z]{12}[0-9]{2}$")).then(value),
    )
    staged = staged.with_columns(is_right_cpf=_have_check_digits(staged["cpf"], CPF_WEIGHTS), is_right_cnpj=_have_check_digits(staged["cnpj"], CNPJ_WEIGHTS))
    reason = (
        pl.when(value.is_null()).then(None)
        .when(value.str.contains(r"\*|•|XXX")).then(pl.lit("masked"))
        .when(~is_brazilian).then(pl.lit("unknown_kind"))
        .when(cpf.is_null() & cnpj.is_null()).then(pl.lit("malformed"))
        .when(value.str.strip_chars(value.str.slice(0, 1)) == "").then(pl.lit("repeated_digits"))
        .when("is_right_cpf").then(None)
        .when("is_right_cnpj").then(pl.lit("company"))
        .otherwise(pl.lit("bad_check_digits"))
    )  # fmt: skip
    label = pl.when(cpf.is_not_null()).then(pl.lit("cpf")).when(cnpj.is_not_null()).then(pl.lit("cnpj")).otherwise(pl.coalesce(kind, pl.lit("document")))
    judged = staged.select(value=pl.concat_str(label, pl.lit(":"), value), invalid_reason=reason, is_given=value.is_not_null())
    is_valid = pl.when("is_given").then(pl.col("invalid_reason").is_null())
    return judged.select("value", "invalid_reason", is_valid=is_valid).select("value", "is_valid", "invalid_reason").to_struct()


def _have_check_digits(values: pl.Series, weights: tuple[int, ...]) -> pl.Series:
    """Both check digits are right: 11 minus the weighted sum modulo 11, where 10 and 11 count as 0; a letter weighs its code minus 48."""
    given = values.is_not_null()
    right = pl.repeat(value=False, n=values.len(), eager=True)
    if not given.any():
        return right
    code_at = (pl.col("value").str.slice(place, 1).cast(pl.Binary).bin.reinterpret(dtype=pl.UInt8).cast(pl.Int64) for place in range(len(weights) + 1))
    codes = values.filter(given).to_frame("value").select((code - 48).alias(str(place)) for place, code in enumerate(code_at))
    found = codes.select(_is_check_digit(weights[1:]) & _is_check_digit(weights))
    return right.scatter(given.arg_true(), found.to_series())


def _is_check_digit(weights: tuple[int, ...]) -> pl.Expr:
    """The code after the weighted ones is their check digit."""
    rest = pl.sum_horizontal(pl.col(str(place)) * weight for place, weight in enumerate(weights)) % 11
    return pl.col(str(len(weights))) == pl.when(rest < 2).then(0).otherwise(11 - rest)


def order_key(expr: pl.Expr) -> pl.Expr:
    """Order number for matching reports of one order: trimmed, leading `#` off, upper case; nothing else."""
    return identity(clean(expr).str.strip_prefix("#")).str.to_uppercase()


def identity(expr: pl.Expr) -> pl.Expr:
    """An id as text: trimmed, and a whole number without the fraction that a column with empty cells gives it, in whatever format it came."""
    return clean(expr).str.replace(r"^(-?(?:0|[1-9][0-9]*))\.0+$", "${1}")


def identifier(value_expr: pl.Expr, type: str) -> pl.Expr:
    """A vendor's or shop's own id as text: trimmed; null where a system wrote a word or only zeros for "none" (Magento's guest is 0)."""
    value = identity(value_expr)
    is_empty = value.str.to_lowercase().is_in(EMPTY_WORDS)
    is_zero = value.str.contains("^0+$") if type in ("customer_id", "external_id", "profile_id", "contact_id") else pl.lit(value=False)
    return pl.when(~is_empty & ~is_zero).then(value)


def name_evidence(expr_first: pl.Expr, expr_full: pl.Expr) -> pl.Expr:
    """Given name for comparing people: first word of the first name, else of the full name; no accents, lower case, letters only.

    Null if shorter than two letters: an initial proves nothing. In `Silva, Ana` the given name stands after the comma.
    """
    return _staged(_given_names, pl.String, first=clean(expr_first), full=clean(expr_full))


def _given_names(names: pl.DataFrame) -> pl.Series:
    """First names repeat, and where one tells the given name, the full name is not looked at."""
    found = by_distinct(names["first"], _given_name)
    is_open = found.is_null() & names["full"].is_not_null()
    if not is_open.any():
        return found
    full = pl.col("full").str.replace(r"^[^,]+,\s*(\S.*)$", "$1")
    return found.scatter(is_open.arg_true(), names.filter(is_open).select(_given_name(full)).to_series())


def _given_name(name: pl.Expr) -> pl.Expr:
    words = _without_accents(name).str.replace_all(r"[^\p{L}\s\-.]", "").str.replace_all(r"[\s\-.]+", " ").str.strip_chars()
    first = words.str.replace(rf"^(?:(?:{'|'.join(NAME_TITLES)}) )+", "").str.extract(r"^(\S+)")
    return pl.when(first.str.len_chars() >= 2).then(first)


# --- words that stand for codes


def country(expr: pl.Expr) -> pl.Expr:
    """ISO 3166-1 alpha-2 of a code of two or three letters or of a name in one of `geography.NAME_LANGUAGES`; else null."""
    return _looked_up(_word_key(expr), geography.country_code)


def state(expr: pl.Expr, country_expr: pl.Expr) -> pl.Expr:
    """Code of a state of US, CA, BR or AU, given as code, name or `BR-SP`, in the country (alpha-2); else null."""
    return _looked_up(country_expr + " " + _word_key(expr), geography.state_code)


def currency(expr: pl.Expr) -> pl.Expr:
    """ISO 4217 code in upper case, of today's currencies and those since 1990; else null."""
    code = clean(expr).str.to_uppercase()
    return pl.when(code.is_in(geography.currency_codes())).then(code)


def gender(expr: pl.Expr) -> pl.Expr:
    """f, m or x of the usual words in English, Portuguese, Spanish, German and French; else null."""
    words = {word: code for code, listed in GENDERS.items() for word in listed}
    return _word_key(expr).replace_strict(words, default=None, return_dtype=pl.String)


def language(expr: pl.Expr) -> pl.Expr:
    """BCP 47 tag: language in lower, script in title, region in upper case, from a tag, a three-letter code or the language's name; else null."""
    text = clean(expr)
    part = text.str.extract_groups(r"^([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[.@].*)?$").struct.field
    subtag = pl.coalesce(part("1"), text)
    code = _looked_up(_word_key(subtag), geography.language_code)
    script = pl.coalesce("-" + part("2").str.to_titlecase(), pl.lit(""))
    region = pl.coalesce("-" + part("3").str.to_uppercase(), pl.lit(""))
    return pl.concat_str(code, script, region)


def _looked_up(words: pl.Expr, code_of: Callable[[str], str | None]) -> pl.Expr:
    """The code of each word, each word asked for once."""
    return words.map_batches(
        lambda series: by_distinct(series, lambda word: word.map_elements(code_of, return_dtype=pl.String)), return_dtype=pl.String, is_elementwise=True
    )


def _word_key(expr: pl.Expr) -> pl.Expr:
    """`geography.word_key` of a column."""
    plain = _without_accents(clean(expr)).str.replace_all(r"[.'’]", "").str.replace_all("&", " and ", literal=True)
    return plain.str.replace_all(r"[^\p{Alphabetic}\p{M}\p{N}]+", " ").str.strip_chars()


def _without_accents(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
