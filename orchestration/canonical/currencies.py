"""Decimal places of the currencies, by ISO 4217 (list one): two, but for those named here."""

import polars as pl

DECIMAL_PLACES: dict[str, int] = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def decimal_places(currency: pl.Expr) -> pl.Expr:
    """Decimal places of a currency code; null stays null."""
    return pl.when(currency.is_not_null()).then(
        currency.replace_strict(DECIMAL_PLACES, default=2, return_dtype=pl.Int64)
    )
