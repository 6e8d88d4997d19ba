"""Names of people as they are compared, and as they should have arrived: repaired encodings, other scripts in Latin
letters, titles off.

Pure text in, text out. What names prove about people is decided by the identity models; they compare the keys made
here.
"""

import html
import re

import ftfy
from anyascii import anyascii

# Titles and salutations before a name, in the languages of the vendors.
_TITLES_AS_WRITTEN = (
    "mr mrs ms miss mx mister missus madam sir dame lady lord hon rev revd reverend father capt captain col colonel maj"
    " major gen general lt sgt dr dra drs doctor doktor prof profa professor professora ing dipl mag phd herr herrn"
    " frau fraulein familie fam m mme mlle monsieur madame mademoiselle me sr sra srta srita senor senora senorita don"
    " dona dom d sig sigra signor signora signorina dott dottssa dottore avv dhr mevr mevrouw meneer mw heer hr fru"
    " froken herra rouva pan pani dipling diplkfm diplkffr diplpsych univprof mgr inz lek mudr judr mvdr phdr rndr exmo"
    " exma ilmo ilma ir lic licda arq"
)
TITLES = frozenset(_TITLES_AS_WRITTEN.split())
# Words that are a name as well as a title count as a title only with a full stop after them.
_ONLY_WITH_STOP = frozenset(
    [
        "m",
        "d",
        "me",
        "ing",
        "mag",
        "fam",
        "don",
        "pan",
        "general",
        "major",
        "father",
        "lord",
        "hon",
        "col",
        "gen",
        "ir",
        "lic",
        "arq",
    ]
)
# What stands between a doctor's title and the name: the faculty, or how it was conferred.
_AFTER_A_TITLE = frozenset(
    ["med", "dent", "vet", "jur", "iur", "phil", "rer", "nat", "oec", "pol", "theol", "techn", "habil", "hc", "fh"]
)
_BETWEEN_TITLES = frozenset(["&", "+", "/", "und", "and", "et", "e", "y"])
_GLUED = re.compile(r"([^\W\d_]{2,})[./](?=[^\W\d_]{2})")
_DAMAGED = re.compile(r"\N{REPLACEMENT CHARACTER}|(?<=[^\W\d_])\?(?=[^\W\d_])")
_ODD = re.compile(r"&#?\w+;|[^\x00-\x7F]|[\x00-\x1F]")
_MENDING = ftfy.TextFixerConfig(
    unescape_html=True,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    normalization=None,
    explain=False,
)
_APOSTROPHES = re.compile(r"['\u2019\u02BC\u00B4`]")
_NO_WORD = re.compile(r"[^a-z0-9]+")


def repaired(text: str) -> str:
    """The text without what a wrong encoding or an escape made of it, where that is certain; else as it is."""
    if not _ODD.search(text):
        return text
    fixed = ftfy.fix_text(text, _MENDING)
    return html.unescape(fixed).strip() or text


def without_titles(text: str) -> str | None:
    """The name without titles and salutations before it; None if there is nothing else."""
    words = _parted(text.split())
    name = words[_title_count(words) :]
    return (text if len(name) == len(words) else " ".join(name)) or None


def key(text: str) -> str | None:
    """The name for comparing: Latin letters without accents, lower case, no titles, words parted by one blank; None if
    it cannot be read."""
    bare = without_titles(text)
    if bare is None or "@" in bare or _DAMAGED.search(bare):
        return None
    latin = anyascii(bare)
    return _NO_WORD.sub(" ", _APOSTROPHES.sub("", latin).lower()).strip() or None


def _parted(words: list[str]) -> list[str]:
    """The words, a title at the beginning parted from what is written onto it."""
    if words and not _is_title(words[0]) and (found := _GLUED.match(words[0])) and _is_title(f"{found[1]}."):
        return [f"{found[1]}.", *_parted([words[0][found.end() :], *words[1:]])]
    return words


def _title_count(words: list[str]) -> int:
    """How many words at the beginning are titles, or go with one."""
    for count, word in enumerate(words):
        is_between = word.lower() in _BETWEEN_TITLES and _is_title(" ".join(words[count + 1 : count + 2]))
        goes_with_title = count > 0 and (is_between or (not word.isalpha() and _bare(word) in _AFTER_A_TITLE))
        if not (_is_title(word) or goes_with_title):
            return count
    return len(words)


def _is_title(word: str) -> bool:
    bare = _bare(word)
    return bare in TITLES and (word.endswith(".") or bare not in _ONLY_WITH_STOP)


def _bare(word: str) -> str:
    return _NO_WORD.sub("", anyascii(word).lower())
