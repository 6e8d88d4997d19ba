"""E-mail addresses: what is shown, what joins people, and why one is not valid."""

import idna
import polars as pl

from orchestration.parsing.text import EMPTY_WORDS, clean, stepwise

# Mail providers with documentation that says that "+anything" reaches the same mailbox.
PLUS_TAG_DOMAINS = (
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "icloud.com", "me.com", "mac.com",
    "fastmail.com", "fastmail.fm", "protonmail.com", "proton.me", "pm.me",
)  # fmt: skip
GMAIL = ("gmail.com", "googlemail.com")


def email(expr: pl.Expr) -> pl.Expr:
    """struct{value, link_value, is_valid, invalid_reason} of an e-mail address; all null where nothing is given.

    `value` is what is shown: trimmed, NFKC, lower case, without `mailto:`, brackets or a name before it; null unless it
    is an address. `link_value` is what joins people: domain in punycode, plus tags off for PLUS_TAG_DOMAINS, and for
    Gmail the dots off and one domain. Reasons: empty_word, obfuscated_placeholder (`[email protected]` of web pages),
    masked, malformed. An address with a local part that is not ASCII (RFC 6531) is valid, but carries the reason
    non_ascii_local_part as a flag.
    """
    return stepwise(_emails, _EMAIL, text=clean(expr))


_EMAIL = pl.Struct({"value": pl.String, "link_value": pl.String, "is_valid": pl.Boolean, "invalid_reason": pl.String})
_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~\-]"
_LABEL = r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?"
_LOCAL_PATTERN = rf"^{_LOCAL}+(?:\.{_LOCAL}+)*$"
_UNICODE_LOCAL_PATTERN = r"^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~\-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~\-]+)*$"
_PLAIN_EMAIL = (
    r"^[a-z0-9_+\-]+(?:\.[a-z0-9_+\-]+)*@(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9\-]*[a-z0-9])?$"
)
_LONGEST_LOCAL_PART = 64
# Reserved (RFC 5891, 4.2.3.1): hyphens in third and fourth place of a label that is not punycode.
_RESERVED_LABEL = r"(?:^|\.)(?:[^x.][^.]|x[^n.])--"
_DOMAIN_PATTERN = rf"^(?:{_LABEL}\.)+[a-z](?:[a-z0-9\-]{{0,61}}[a-z0-9])?$"


def _email_text(text: pl.Expr) -> pl.Expr:
    text = (
        text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[\u{200B}-\u{200F}\u{2060}\u{FEFF}\u{AD}]", "")
    )
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
    parts = [
        part for part in (_plain_emails(rows.filter(is_plain)), _judged_emails(rows.filter(~is_plain))) if part.height
    ]
    staged = pl.concat(parts or [_plain_emails(rows)]).sort("row").with_columns(is_gmail=pl.col("domain").is_in(GMAIL))
    local, domain = pl.col("local"), pl.col("domain")
    untagged = pl.when(domain.is_in(PLUS_TAG_DOMAINS)).then(local.str.replace(r"^([^+]+)[+].*$", "$1")).otherwise(local)
    linking = staged.filter("is_valid").select(
        local=pl.when("is_gmail").then(untagged.str.replace_all(".", "", literal=True)).otherwise(untagged),
        domain=pl.when("is_gmail").then(pl.lit("gmail.com")).otherwise(domain),
    )
    links = pl.repeat(None, staged.height, dtype=pl.String, eager=True)
    links = links.scatter(
        staged["is_valid"].fill_null(value=False).arg_true(),
        linking.select(pl.concat_str("local", pl.lit("@"), "domain")).to_series(),
    )
    return staged.select(
        pl.when("is_valid").then(text).alias("value"), links.alias("link_value"), "is_valid", "invalid_reason"
    ).to_struct()


def _is_plain_email() -> pl.Expr:
    """Written as most are, so that there is nothing to clean and nothing to doubt."""
    text = pl.col("text")
    is_odd = (
        text.str.contains("--", literal=True)
        | text.str.contains("protected", literal=True)
        | text.str.starts_with("xxx")
    )
    return (text.str.contains(_PLAIN_EMAIL) & (text.str.len_bytes() <= _LONGEST_LOCAL_PART) & ~is_odd).fill_null(
        value=False
    )


def _plain_emails(rows: pl.DataFrame) -> pl.DataFrame:
    parts = rows.with_columns(
        pl.col("text").str.split_exact("@", 1).struct.rename_fields(["local", "domain"]).alias("parts")
    ).unnest("parts")
    return parts.select(
        "row", "text", "local", "domain", invalid_reason=pl.lit(None, pl.String), is_valid=pl.lit(value=True)
    )


def _judged_emails(rows: pl.DataFrame) -> pl.DataFrame:
    text, local, reason = pl.col("text"), pl.col("local"), pl.col("invalid_reason")
    cleaned = rows.with_columns(text=_email_text(text))
    parts = _with_ascii_domain(
        cleaned.with_columns(local=text.str.extract(r"^([^@]*)@[^@]*$"), domain=text.str.extract(r"@([^@]*)$"))
    )
    judged = parts.with_columns(is_ascii=local.str.contains(_LOCAL_PATTERN)).with_columns(
        invalid_reason=_email_reason()
    )
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
    return parts.with_columns(
        domain.replace_strict({name: _punycode(name) for name in odd}, default=domain, return_dtype=pl.String)
    )


def _punycode(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
