"""Speed of `phones.parse` and its agreement with `phones.judge` on made-up numbers: `python -m benchmarks.phones [count]`.

Numbers of 20 countries, valid and not, in the formats exports hold: international, national, with calling code but no plus
sign, `00`, digits only, random digits, prefixes and masks. No real number is used but by chance.
"""

import random
import sys
import time

import phonenumbers
import polars as pl

from orchestration.parsing import phone_numbers

REGIONS = (
    "BR",
    "US",
    "CA",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "PT",
    "NL",
    "PL",
    "LT",
    "MX",
    "AR",
    "AU",
    "IN",
    "JP",
    "RU",
    "ZA",
    "AE",
)


def made_up(count: int, seed: int, odd: float = 0.03) -> pl.DataFrame:
    """`count` rows of value and region; `odd` of them have letters, masks or extensions, which only the library itself reads."""
    chance = random.Random(seed)
    return pl.DataFrame(
        [_one(chance, odd) for _ in range(count)], schema={"value": pl.String, "region": pl.String}, orient="row"
    )


def _one(chance: random.Random, odd: float) -> tuple[str, str | None]:
    region = chance.choice(REGIONS)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    code = str(metadata.country_code)
    descs = [
        metadata.fixed_line,
        *[metadata.mobile] * 3,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.uan,
        metadata.voip,
    ]
    example = chance.choice([desc for desc in descs if desc and desc.example_number]).example_number
    kept = chance.randrange(len(example)) if chance.random() < 0.85 else 0
    length = len(example) + (chance.choice((-2, -1, 1, 2)) if chance.random() < 0.1 else 0)
    national = (example[:kept] + "".join(chance.choices("0123456789", k=20)))[:length]
    if region == "BR" and chance.random() < 0.2:
        national = national[:2] + national[-8:]
    if chance.random() < 0.01:
        national = national[:1] * len(national)
    home = chance.choice((region, region, region, None, chance.choice(REGIONS), "ZZ"))
    spaced = chance.choice(
        (
            national,
            f"{national[:2]} {national[2:-4]}-{national[-4:]}",
            f"({national[:3]}) {national[3:]}",
            ".".join((national[:3], national[3:])),
        )
    )
    prefixed = (metadata.national_prefix or "") + spaced
    international = (
        f"+{code}{national}",
        f"+{code} {spaced}",
        f"+{code} {prefixed}",
        f"(+{code}) {spaced}",
        f"00{code} {spaced}",
    )
    forms = (*international, spaced, prefixed, f"{code}{national}", f"011{code}{national}", f"'{spaced}")
    value = chance.choice(forms)
    if chance.random() < odd:
        value = chance.choice(
            (
                f"{value} ext 5",
                f"tel: {value}",
                f"{value}x12",
                value[:-3] + "***",
                f"{value} ramal 9",
                f"{value} / {value}",
                f"{value}.0",
                "n/a",
            )
        )
    return value, home


def disagreements(numbers: pl.DataFrame) -> pl.DataFrame:
    """Rows where the column's verdict is not the library's."""
    verdict = phone_numbers.parse(numbers.to_struct()).struct.unnest()
    expected = pl.DataFrame(
        [phone_numbers.judge(*row) for row in numbers.iter_rows()],
        schema=phone_numbers.RESULT.to_schema(),
        orient="row",
    )
    both = pl.concat(
        [numbers.rename({"value": "given"}), verdict, expected.select(pl.all().name.prefix("expected_"))],
        how="horizontal",
    )
    return both.filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"expected_{name}")) for name in verdict.columns)
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    numbers = made_up(count, seed=7)
    started = time.process_time()
    wrong = disagreements(numbers)
    sys.stdout.write(
        f"{count:,} numbers of {len(REGIONS)} countries checked against the library in {time.process_time() - started:.1f} CPU s: {wrong.height} disagree\n"
    )
    many = made_up(1_000_000, seed=8, odd=0.0)
    phone_numbers.parse(many.head(100_000).to_struct())
    for odd, frame in ((0.0, many), (0.03, made_up(1_000_000, seed=9))):
        started = time.process_time()
        phone_numbers.parse(frame.to_struct())
        seconds = time.process_time() - started
        sys.stdout.write(
            f"{odd:.0%} odd: {frame.height / seconds:,.0f} rows per CPU s ({frame.n_unique():,} distinct)\n"
        )


if __name__ == "__main__":
    main()
