"""Identity documents: which names one person by its check digits, and why another does not."""

from functools import partial

import polars as pl

from orchestration.parsing import phone_numbers
from orchestration.parsing.text import clean, stepwise

BRAZILIAN_DOCUMENT_KINDS = ("cpf", "cnpj", "cpfcnpj", "taxid", "document")
CPF_WEIGHTS = (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)
CNPJ_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_DOCUMENT = phone_numbers.RESULT


def document(value_expr: pl.Expr, kind_expr: pl.Expr | None = None, country: str = "BR") -> pl.Expr:
    """struct{value, is_valid, invalid_reason} of an identity document, as `cpf:52998224725`; all null where nothing is
    given.

    Valid is only a Brazilian CPF with right check digits that are not all equal: it names one person. A CNPJ (14
    characters, letters among the first twelve since July 2026) names a company and links nobody. Any other kind stays
    `<kind>:<value>`. Reasons: company, bad_check_digits, repeated_digits, masked, malformed, unknown_kind.
    """
    given = pl.lit(None, pl.String) if kind_expr is None else clean(kind_expr)
    bare = clean(value_expr).str.to_uppercase().str.replace_all(r"[\s.\-/]", "")
    return stepwise(
        partial(_documents, country=country),
        _DOCUMENT,
        value=bare,
        kind=given.str.to_lowercase().str.replace_all("[^a-z0-9]", ""),
    )


def _documents(frame: pl.DataFrame, *, country: str) -> pl.Series:
    value, kind, cpf, cnpj = (pl.col(name) for name in ("value", "kind", "cpf", "cnpj"))
    is_brazilian = pl.lit(country == "BR") & (kind.is_null() | kind.is_in(BRAZILIAN_DOCUMENT_KINDS))
    # A spreadsheet or a JSON number drops leading zeros; only where the kind says CPF may they be put back.
    is_short_cpf = is_brazilian & (kind == "cpf") & value.str.contains("^[0-9]{3,10}$")
    staged = frame.with_columns(value=pl.when(is_short_cpf).then(value.str.zfill(11)).otherwise(value)).with_columns(
        cpf=pl.when(is_brazilian & value.str.contains("^[0-9]{11}$")).then(value),
        cnpj=pl.when(is_brazilian & value.str.contains("^[0-9A-Z]{12}[0-9]{2}$")).then(value),
    )
    staged = staged.with_columns(
        is_right_cpf=_have_check_digits(staged["cpf"], CPF_WEIGHTS),
        is_right_cnpj=_have_check_digits(staged["cnpj"], CNPJ_WEIGHTS),
    )
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
    label = (
        pl.when(cpf.is_not_null())
        .then(pl.lit("cpf"))
        .when(cnpj.is_not_null())
        .then(pl.lit("cnpj"))
        .otherwise(pl.coalesce(kind, pl.lit("document")))
    )
    judged = staged.select(
        value=pl.concat_str(label, pl.lit(":"), value), invalid_reason=reason, is_given=value.is_not_null()
    )
    is_valid = pl.when("is_given").then(pl.col("invalid_reason").is_null())
    return (
        judged.select("value", "invalid_reason", is_valid=is_valid)
        .select("value", "is_valid", "invalid_reason")
        .to_struct()
    )


def _have_check_digits(values: pl.Series, weights: tuple[int, ...]) -> pl.Series:
    """Both check digits are right: 11 minus the weighted sum modulo 11, where 10 and 11 count as 0; a letter weighs its
    code minus 48."""
    given = values.is_not_null()
    right = pl.repeat(value=False, n=values.len(), eager=True)
    if not given.any():
        return right
    code_at = (
        pl.col("value").str.slice(place, 1).cast(pl.Binary).bin.reinterpret(dtype=pl.UInt8).cast(pl.Int64)
        for place in range(len(weights) + 1)
    )
    codes = (
        values.filter(given)
        .to_frame("value")
        .select((code - 48).alias(str(place)) for place, code in enumerate(code_at))
    )
    found = codes.select(_is_check_digit(weights[1:]) & _is_check_digit(weights))
    return right.scatter(given.arg_true(), found.to_series())


def _is_check_digit(weights: tuple[int, ...]) -> pl.Expr:
    """The code after the weighted ones is their check digit."""
    rest = pl.sum_horizontal(pl.col(str(place)) * weight for place, weight in enumerate(weights)) % 11
    return pl.col(str(len(weights))) == pl.when(rest < 2).then(0).otherwise(11 - rest)
