"""Look-up tables for words that stand for codes: countries, states, currencies, languages.

Names come from CLDR (the `babel` library, offline) in the languages our vendors' shops write; what CLDR lacks is listed
here. Words come as `word_key` writes them: `parsing/codes.py` does that to columns.
"""

import re
import unicodedata
from functools import cache
from itertools import chain

from babel import Locale
from babel.core import get_global

NAME_LANGUAGES = (
    "en",
    "pt",
    "es",
    "de",
    "fr",
    "it",
    "nl",
    "pl",
    "lt",
    "lv",
    "et",
    "sv",
    "da",
    "nb",
    "fi",
    "cs",
    "sk",
    "hu",
    "ro",
    "tr",
    "el",
    "ru",
    "uk",
    "ja",
    "zh",
)

# Regions of CLDR that are groups, reserved codes or pseudo-locales, not countries of ISO 3166-1 (Kosovo, XK, stays: it
# is in use).
NOT_COUNTRIES = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})

OTHER_COUNTRY_NAMES = {
    "united states of america": "US", "us of a": "US", "estados unidos da america": "US", "estados unidos de america": "US", "eua": "US", "eeuu": "US",
    "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "britain": "GB",
    "united kingdom of great britain and northern ireland": "GB",
    "holland": "NL", "the netherlands": "NL", "republic of ireland": "IE", "eire": "IE",
    "south korea": "KR", "republic of korea": "KR", "korea": "KR", "north korea": "KP",
    "russian federation": "RU", "czech republic": "CZ", "slovak republic": "SK", "viet nam": "VN", "ivory coast": "CI",
    "macedonia": "MK", "swaziland": "SZ", "burma": "MM", "turkey": "TR", "turkiye": "TR", "cape verde": "CV", "east timor": "TL",
    "uae": "AE", "hong kong": "HK", "macau": "MO", "taiwan": "TW", "palestine": "PS", "vatican": "VA", "holy see": "VA",
    "democratic republic of the congo": "CD", "republic of the congo": "CG", "congo": "CG", "moldova republic of": "MD",
    "iran islamic republic of": "IR", "syrian arab republic": "SY", "bolivia plurinational state of": "BO",
    "venezuela bolivarian republic of": "VE", "tanzania united republic of": "TZ", "lao peoples democratic republic": "LA", "laos": "LA",
    "brunei darussalam": "BN", "peoples republic of china": "CN", "mainland china": "CN", "federal republic of germany": "DE", "brd": "DE",
    "uk": "GB", "el": "GR",
}  # fmt: skip

STATES: dict[str, dict[str, str]] = {
    "US": {
        "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California", "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware",
        "DC": "District of Columbia", "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "IA": "Iowa",
        "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana", "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
        "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey",
        "NM": "New Mexico", "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
        "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah",
        "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
        "AS": "American Samoa", "GU": "Guam", "MP": "Northern Mariana Islands", "PR": "Puerto Rico", "VI": "Virgin Islands",
        "AA": "Armed Forces Americas", "AE": "Armed Forces Europe", "AP": "Armed Forces Pacific",
    },
    "CA": {
        "AB": "Alberta", "BC": "British Columbia", "MB": "Manitoba", "NB": "New Brunswick", "NL": "Newfoundland and Labrador", "NS": "Nova Scotia",
        "NT": "Northwest Territories", "NU": "Nunavut", "ON": "Ontario", "PE": "Prince Edward Island", "QC": "Quebec", "SK": "Saskatchewan", "YT": "Yukon",
    },
    "BR": {
        "AC": "Acre", "AL": "Alagoas", "AP": "Amapá", "AM": "Amazonas", "BA": "Bahia", "CE": "Ceará", "DF": "Distrito Federal", "ES": "Espírito Santo",
        "GO": "Goiás", "MA": "Maranhão", "MT": "Mato Grosso", "MS": "Mato Grosso do Sul", "MG": "Minas Gerais", "PA": "Pará", "PB": "Paraíba",
        "PR": "Paraná", "PE": "Pernambuco", "PI": "Piauí", "RJ": "Rio de Janeiro", "RN": "Rio Grande do Norte", "RS": "Rio Grande do Sul",
        "RO": "Rondônia", "RR": "Roraima", "SC": "Santa Catarina", "SP": "São Paulo", "SE": "Sergipe", "TO": "Tocantins",
    },
    "AU": {
        "ACT": "Australian Capital Territory", "NSW": "New South Wales", "NT": "Northern Territory", "QLD": "Queensland", "SA": "South Australia",
        "TAS": "Tasmania", "VIC": "Victoria", "WA": "Western Australia",
    },
}  # fmt: skip

OTHER_STATE_NAMES = {
    ("US", "washington dc"): "DC", ("US", "us virgin islands"): "VI", ("CA", "newfoundland"): "NL", ("CA", "yukon territory"): "YT",
}  # fmt: skip


def word_key(text: str) -> str:
    """The word as compared: no accents, dots or apostrophes, lower case, one blank for anything else; `codes.word_key`
    does the same to columns."""
    letters = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.category(letter).startswith("M")
    )
    return re.sub(r"[\W_]+", " ", re.sub(r"[.'’]", "", letters.lower()).replace("&", " and ")).strip()


def country_code(word: str) -> str | None:
    """ISO 3166-1 alpha-2 by alpha-2, alpha-3, and name in the languages above; where two countries claim a name,
    English decides.

    Languages are asked in their order: to gather the names of all takes a quarter of a second, and most words are
    codes.
    """
    tables = chain([_country_words()], map(_country_names, NAME_LANGUAGES))
    return next((table[word] for table in tables if word in table), None)


@cache
def countries() -> tuple[str, ...]:
    """The alpha-2 codes, in their order."""
    return tuple(
        sorted(
            code
            for code in map(str, Locale.parse("en").territories)
            if re.fullmatch("[A-Z]{2}", code) and code not in NOT_COUNTRIES
        )
    )


@cache
def _country_words() -> dict[str, str]:
    words = {word_key(code): code for code in countries()}
    words |= {word_key(name): code for name, code in OTHER_COUNTRY_NAMES.items()}
    for alias, targets in get_global("territory_aliases").items():
        if re.fullmatch("[A-Z]{3}", alias) and len(targets) == 1 and targets[0] in countries():
            words.setdefault(word_key(alias), targets[0])
    return words


@cache
def _country_names(language: str) -> dict[str, str]:
    territories = Locale.parse(language).territories
    names: dict[str, str] = {}
    for code in countries():
        name = word_key(territories.get(code, code))
        names.setdefault(name, code)
        names.setdefault(re.sub(r"^st ", "saint ", name), code)
    return names


def state_code(word: str) -> str | None:
    """Code of a state by `<country> <word>`, where the word is its code or name."""
    return _state_words().get(word)


@cache
def _state_words() -> dict[str, str]:
    codes = {f"{country} {word_key(name)}": code for (country, name), code in OTHER_STATE_NAMES.items()}
    for country, states in STATES.items():
        for code, name in states.items():
            codes[f"{country} {word_key(name)}"] = code
            codes[f"{country} {word_key(code)}"] = code
            codes[f"{country} {word_key(f'{country}-{code}')}"] = code
    return codes


@cache
def currency_codes() -> frozenset[str]:
    """ISO 4217 codes that are, or since 1990 were, legal tender somewhere: an order history may name a currency that is
    gone."""
    territories = get_global("territory_currencies").values()
    return frozenset(
        code
        for currencies in territories
        for code, _, until, is_tender in currencies
        if is_tender and (until is None or until >= (1990, 1, 1))
    )


def language_code(word: str) -> str | None:
    """ISO 639 code by code, three-letter code, and the language's name in English or its own tongue."""
    return _language_words().get(word) or _languages_by_own_name().get(word)


@cache
def _language_words() -> dict[str, str]:
    names = {str(code): str(name) for code, name in Locale.parse("en").languages.items()}
    codes = {code: code for code in names if re.fullmatch("[a-z]{2,3}", code)}
    for alias, target in get_global("language_aliases").items():
        if re.fullmatch("[a-z]{3}", alias) and target in codes:
            codes.setdefault(alias, target)
    for code in list(codes.values()):
        codes.setdefault(word_key(names[code]), code)
    return codes


@cache
def _languages_by_own_name() -> dict[str, str]:
    return {word_key(Locale.parse(code).languages.get(code, code)): code for code in reversed(NAME_LANGUAGES)}
