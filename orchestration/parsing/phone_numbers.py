"""Phone numbers into E.164, exactly as libphonenumber reads them, but by columns.

`judge` is the rule for one number: the `phonenumbers` library decides, and a few habits of exports are undone before
it. `parse` gives the same for a column. Values of digits and plain punctuation follow the library's steps as
expressions made from its own metadata, one numbering plan at a time; all others, and plans with few rows, go through
`judge`, once each. Which numbers join people is decided by type: a person has a mobile or fixed line; marketplaces mask
phones behind others.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata, PhoneNumberType, ValidationResult
from phonenumbers.phonemetadata import PhoneNumberDesc

from orchestration.parsing.text import clean

RESULT = pl.Struct({"value": pl.String, "is_valid": pl.Boolean, "invalid_reason": pl.String})

LINKING_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
CALL_CENTRE_TYPES = (PhoneNumberType.UAN, PhoneNumberType.SHARED_COST)

# Below this many distinct values the library is quicker than a dozen passes of a numbering plan (about 3 ms).
FEWEST_FOR_A_PLAN = 100

_VERDICT = {"e164": pl.String, "is_valid": pl.Boolean, "invalid_reason": pl.String}
SUPPORTED_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
_NATIONAL = pl.DataFrame(schema={"row": pl.UInt32, "calling_code": pl.String, "national": pl.String})

# What systems put before or into a number: (pattern, replacement), in order, in syntax that `re` and Polars share.
HABITS = (
    ("^[\\s'’‘`´]+", ""),  # a spreadsheet's mark for text
    ("^(?i:tel|phone|whatsapp)[:.]? *", ""),
    (r"^([+]?[0-9]{7,15})\.0$", "${1}"),  # a number cell turned to text
    (r"(?i:\bramal\b)", "ext"),  # Portuguese for extension
    (r"^00([ ().-]*[1-9])", "+${1}"),  # in an export 00 is the plus sign, whatever the region dials to get abroad
)
MAY_BE_HABIT = r"^[^+0-9(]|^00|\.0$|[A-Za-z]"  # quicker than five replacements where there is none
MASK = r"[*•●]|#{2,}|[xX]{2,}"
PLAIN = r"^[(]?[+]?[0-9 ()./\u{A0}\u{2010}-\u{2015}-]{5,60}$"


def parse(pairs: pl.Series) -> pl.Series:
    """struct{value, is_valid, invalid_reason} for each struct{value, region}; all null where there is no value."""
    given = pairs.struct.unnest()
    if given["value"].approx_n_unique() > given.height / 2:  # ty: ignore[unsupported-operator]
        return _parsed(given).to_struct()
    distinct = given.unique()
    verdicts = pl.concat([distinct, _parsed(distinct).rename({"value": "e164"})], how="horizontal")
    joined = given.join(verdicts, on=["value", "region"], how="left", nulls_equal=True, maintain_order="left")
    return joined.select(pl.col("e164").alias("value"), "is_valid", "invalid_reason").to_struct()


def judge(value: str | None, region: str | None) -> tuple[str | None, bool | None, str | None]:
    """E.164, validity and reason of one number. The E.164 form is there for every number of a possible length, valid or
    not, but for placeholders of one repeated digit.

    Reasons: malformed, masked, no_region, extension (a shared line), repeated_digits, unassigned (no such number by the
    numbering plan), call_centre (universal access and shared cost), premium_or_toll_free (any other that is not mobile
    or fixed).
    """
    if value is None:
        return None, None, None
    text = value if value.isascii() else "".join(map(_plain_sign, value))
    for pattern, replacement in HABITS:
        text = re.sub(pattern, replacement.replace("${1}", r"\1"), text, count=1)
    if re.search(MASK, text):
        return None, False, "masked"
    known = region if region in phonenumbers.SUPPORTED_REGIONS else None
    if known is None and "+" not in text:
        return None, False, "no_region"
    try:
        number = phonenumbers.parse(text, known)
    except phonenumbers.NumberParseException:
        return None, False, "malformed"
    number = _with_ninth_digit(number)
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None, False, "malformed"
    reason = _reason(number)
    if reason == "repeated_digits":
        return None, False, reason
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), reason is None, reason


def dialled_at_home(e164: str) -> tuple[str, ...]:
    """The number as it is dialled within its country, with and without the zero or the like before it."""
    number = phonenumbers.parse(e164)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return phonenumbers.national_significant_number(number), national


def _plain_sign(sign: str) -> str:
    """A digit of any script, or a plus sign of full width, as it is dialled."""
    return str(unicodedata.digit(sign)) if sign.isdecimal() else "+" if sign in "\uff0b\ufe62" else sign


def _reason(number: phonenumbers.PhoneNumber) -> str | None:
    if number.extension:
        return "extension"
    if len(set(phonenumbers.national_significant_number(number))) == 1:
        return "repeated_digits"
    if not phonenumbers.is_valid_number(number):
        return "unassigned"
    kind = phonenumbers.number_type(number)
    if kind in LINKING_TYPES:
        return None
    return "call_centre" if kind in CALL_CENTRE_TYPES else "premium_or_toll_free"


# Brazilian mobile numbers have nine digits in every area since November 2016 (Anatel, resolution 553/2010): a 9 before
# 6 to 9.
_EIGHT_DIGIT_MOBILE = r"^([1-9][1-9])([6-9][0-9]{7})$"


def _with_ninth_digit(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    if number.country_code == 55:
        number.national_number = int(re.sub(_EIGHT_DIGIT_MOBILE, r"\g<1>9\g<2>", str(number.national_number)))
    return number


def _parsed(given: pl.DataFrame) -> pl.DataFrame:
    """Verdicts in the order of the rows given."""
    numbers = given.with_row_index("row")
    settled = _settled(numbers)
    is_left = pl.repeat(value=True, n=given.height, eager=True).scatter(settled["row"], values=False)
    left = numbers.filter(is_left)
    distinct = left.unique(["value", "region"])
    judged = distinct.with_columns(
        pl.DataFrame(
            [judge(*pair) for pair in distinct.select("value", "region").iter_rows()], schema=_VERDICT, orient="row"
        )
    )
    rest = left.join(judged.drop("row"), on=["value", "region"], nulls_equal=True).select("row", *_VERDICT)
    return pl.concat([settled, rest]).sort("row").select(pl.col("e164").alias("value"), "is_valid", "invalid_reason")


def _dialled(numbers: pl.DataFrame) -> pl.DataFrame:
    """The rows with `text`, where the habits are undone."""
    may_be, text = pl.col("value").str.contains(MAY_BE_HABIT), pl.col("value")
    for pattern, replacement in HABITS:
        text = text.str.replace(pattern, replacement)
    return pl.concat(
        [
            numbers.filter(~may_be).select("row", "region", text="value"),
            numbers.filter(may_be).select("row", "region", text=text),
        ]
    )


# --- the library's steps `parse`, `is_possible_number`, `is_valid_number` and `number_type` over frames of plain
# numbers


def _settled(numbers: pl.DataFrame) -> pl.DataFrame:
    """Verdicts with their rows; rows that are missing from it are left to `judge`."""
    digits = pl.col("text").str.replace_all("[^0-9]", "")
    plain = _dialled(numbers).filter(pl.col("text").str.contains(PLAIN))
    numbers = plain.select(
        "row", "region", digits=digits, is_international=pl.col("text").str.contains("+", literal=True)
    )
    numbers = numbers.filter(pl.col("digits").str.len_bytes() >= 5)
    is_known = pl.col("region").is_in(SUPPORTED_REGIONS).fill_null(value=False)
    homeless = numbers.filter(~is_known & ~pl.col("is_international"))
    dialled = [_with_calling_code(numbers.filter("is_international"))]
    for region, rows in _large_groups(numbers.filter(is_known & ~pl.col("is_international")), "region"):
        dialled += [_from_abroad(rows, region), _from_home(rows, region)]
    national = [_without_national_prefix(rows, plan) for plan, rows in _large_groups(pl.concat(dialled), "plan")]
    verdicts = [
        _verdicts(rows, code) for code, rows in _large_groups(pl.concat([_NATIONAL.clear(), *national]), "calling_code")
    ]
    no_region = homeless.select("row", e164=pl.lit(None, pl.String), is_valid=False, invalid_reason=pl.lit("no_region"))
    return pl.concat([no_region, *verdicts])


def _large_groups(frame: pl.DataFrame, key: str) -> Iterator[tuple[str, pl.DataFrame]]:
    for (value,), rows in frame.partition_by(key, as_dict=True).items():
        if rows.height >= FEWEST_FOR_A_PLAN:
            yield value, rows


def _with_calling_code(numbers: pl.DataFrame) -> pl.DataFrame:
    """International numbers split into calling code and the rest, with the region of the plan that reads the rest."""
    code = pl.col("digits").str.extract(_calling_codes_pattern())
    split = numbers.select("row", "digits", calling_code=code).filter(pl.col("calling_code").is_not_null())
    rest = pl.col("digits").str.slice(pl.col("calling_code").str.len_bytes())
    return split.select(
        "row",
        "calling_code",
        plan=pl.col("calling_code").replace_strict(_main_regions(), return_dtype=pl.String),
        national=rest,
    )


def _from_abroad(numbers: pl.DataFrame, region: str) -> pl.DataFrame:
    """Numbers dialled with the region's international prefix, which no 0 may follow."""
    prefix = _metadata(region).international_prefix
    rest = pl.col("digits").str.replace(f"^(?:{prefix})", "") if prefix else pl.col("digits")
    abroad = numbers.select("row", rest=rest, length=pl.col("digits").str.len_bytes())
    is_abroad = (pl.col("rest").str.len_bytes() < pl.col("length")) & ~pl.col("rest").str.starts_with("0")
    return _with_calling_code(
        abroad.filter(is_abroad & (pl.col("rest").str.len_bytes() >= 5)).select("row", digits="rest")
    )


def _from_home(numbers: pl.DataFrame, region: str) -> pl.DataFrame:
    """Numbers of the region itself, without its own calling code where that was written without a plus sign."""
    metadata = _metadata(region)
    code, digits, rest = str(metadata.country_code), pl.col("digits"), pl.col("rest")
    prefix = metadata.international_prefix
    at_home = numbers.filter(~digits.str.contains(f"^(?:{prefix})[^0]")) if prefix else numbers
    split = at_home.select(
        "row", "digits", rest=pl.when(digits.str.starts_with(code)).then(digits.str.slice(len(code)))
    )
    split = split.with_columns(rest=_stripped(rest, metadata))
    is_coded = rest.is_not_null() & (
        (~_matches(digits, metadata.general_desc) & _matches(rest, metadata.general_desc))
        | (_length_verdict(digits, metadata) == "too_long")
    )
    main = _main_regions()[code]
    return split.select(
        "row",
        calling_code=pl.lit(code),
        plan=pl.when(is_coded).then(pl.lit(main)).otherwise(pl.lit(region)),
        national=pl.when(is_coded).then(rest).otherwise(digits),
    )


def _without_national_prefix(numbers: pl.DataFrame, plan: str) -> pl.DataFrame:
    """The prefix for calls within the country goes, unless what is left is too short to be a number of the plan."""
    metadata = _metadata(plan)
    stripped = pl.col("stripped")
    staged = numbers.with_columns(stripped=_stripped(pl.col("national"), metadata))
    is_better = _length_verdict(stripped, metadata).is_in(("possible", "too_long"))
    national = pl.when(is_better).then(stripped).otherwise("national")
    if metadata.country_code == 55:
        national = national.str.replace(_EIGHT_DIGIT_MOBILE, "${1}9${2}")
    return staged.select("row", "calling_code", national=national)


def _verdicts(numbers: pl.DataFrame, calling_code: str) -> pl.DataFrame:
    national = pl.col("national")
    possible = _length_verdict(national, _metadata(_main_regions()[calling_code])) == "possible"
    kinds = _kinds(numbers.filter(possible), calling_code)
    is_repeated = national.str.strip_chars_start(national.str.slice(0, 1)) == ""
    reason = pl.when(is_repeated).then(pl.lit("repeated_digits")).when(pl.col("kind") != "linking").then("kind")
    judged = kinds.select(
        "row", e164=pl.when(~is_repeated).then(pl.lit(f"+{calling_code}") + national), invalid_reason=reason
    )
    impossible = numbers.filter(~possible).select(
        "row", e164=pl.lit(None, pl.String), is_valid=False, invalid_reason=pl.lit("malformed")
    )
    return pl.concat(
        [
            judged.select("row", "e164", pl.col("invalid_reason").is_null().alias("is_valid"), "invalid_reason"),
            impossible,
        ]
    )


def _kinds(numbers: pl.DataFrame, calling_code: str) -> pl.DataFrame:
    """`kind` of each number in the plan of its own region, the first of those that share the calling code to claim
    it."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(calling_code)]
    left, found = numbers, []
    for region in regions:
        metadata = _metadata(region)
        if metadata.leading_digits is not None and len(regions) > 1:
            is_here = pl.col("national").str.contains(f"^(?:{metadata.leading_digits})")
            found.append(left.filter(is_here).with_columns(kind=_kind(metadata)))
            left = left.filter(~is_here)
        else:
            kinds = left.with_columns(kind=_kind(metadata))
            found.append(kinds.filter(pl.col("kind") != "unassigned"))
            left = kinds.filter(pl.col("kind") == "unassigned").drop("kind")
    return pl.concat([*found, left.with_columns(kind=pl.lit("unassigned"))])


def _kind(metadata: PhoneMetadata) -> pl.Expr:
    """linking, unassigned, or the reason why a number of this type does not link."""
    is_fixed, is_mobile = _is_of(metadata.fixed_line), _is_of(metadata.mobile)
    is_linking = is_fixed if metadata.same_mobile_and_fixed_line_pattern else is_fixed | is_mobile
    premium, central, other = pl.lit("premium_or_toll_free"), pl.lit("call_centre"), pl.lit("premium_or_toll_free")
    by_type = (
        ((metadata.premium_rate, metadata.toll_free), premium),
        ((metadata.shared_cost,), central),
        ((metadata.voip, metadata.personal_number, metadata.pager), other),
        ((metadata.uan,), central),
        ((metadata.voicemail,), other),
    )
    kind = pl.when(~_is_of(metadata.general_desc)).then(pl.lit("unassigned"))
    for descs, reason in by_type:
        kind = kind.when(pl.any_horizontal(_is_of(desc) for desc in descs)).then(reason)
    return kind.when(is_linking).then(pl.lit("linking")).otherwise(pl.lit("unassigned"))


def _stripped(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    """The number without its national prefix, or rewritten by the plan's rule; kept if only the original is viable."""
    prefix, rule = metadata.national_prefix_for_parsing, metadata.national_prefix_transform_rule
    if not prefix:
        return number
    pattern = f"^(?:{prefix})"
    short = number.str.replace(pattern, "")
    if rule:
        last_group = number.str.extract(pattern, re.compile(pattern).groups)
        short = (
            pl.when(last_group.is_null())
            .then(short)
            .otherwise(number.str.replace(pattern, re.sub(r"\\(\d)", r"${\1}", rule)))
        )
    is_only_original = _matches(number, metadata.general_desc) & ~_matches(short, metadata.general_desc)
    return pl.when(is_only_original).then(number).otherwise(short)


def _length_verdict(number: pl.Expr, metadata: PhoneMetadata) -> pl.Expr:
    lengths, length = metadata.general_desc.possible_length, number.str.len_bytes()  # ty: ignore[missing-union-attribute]
    return (
        pl.when(length.is_in(metadata.general_desc.possible_length_local_only)).then(pl.lit("local_only"))  # ty: ignore[missing-union-attribute]
        .when(length.is_in(lengths)).then(pl.lit("possible"))
        .when(length > max(lengths)).then(pl.lit("too_long"))
        .otherwise(pl.lit("impossible"))
    )  # fmt: skip


def _matches(number: pl.Expr, desc: PhoneNumberDesc | None) -> pl.Expr:
    if desc is None or not desc.national_number_pattern:
        return pl.lit(value=False)
    return number.str.contains(f"^(?:{desc.national_number_pattern})$")


def _is_of(desc: PhoneNumberDesc | None) -> pl.Expr:
    """The national number is of the described type: its length and its pattern."""
    national = pl.col("national")
    if desc is None or not desc.possible_length:
        return _matches(national, desc)
    return national.str.len_bytes().is_in(desc.possible_length) & _matches(national, desc)


def _metadata(region: str) -> PhoneMetadata:
    return PhoneMetadata.metadata_for_region(region)  # ty: ignore[invalid-explicit-return]


@cache
def _main_regions() -> dict[str, str]:
    """Region of the plan that reads numbers of a calling code; codes without a country (satellites, freephone) are left
    to `judge`."""
    return {
        str(code): regions[0]
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
        if regions[0] != "001"
    }


@cache
def _calling_codes_pattern() -> str:
    return f"^({'|'.join(_main_regions())})"


def phone(value_expr: pl.Expr, region_expr: pl.Expr) -> pl.Expr:
    """struct{value, is_valid, invalid_reason} of a phone number as dialled in the region (ISO alpha-2, may be null);
    see `parse`."""
    pair = pl.struct(value=clean(value_expr), region=clean(region_expr).str.to_uppercase())
    return pair.map_batches(parse, return_dtype=RESULT, is_elementwise=True)
