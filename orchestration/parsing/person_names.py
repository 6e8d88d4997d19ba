"""Names of people as they are compared, and as they should have arrived: mended encodings, other scripts in Latin letters, titles off.

Pure text in, text out. What names prove about people is decided by the identity models; they compare the keys made here.
"""

import html
import re

import ftfy
from anyascii import anyascii

# Titles and salutations before a name, in the languages of the vendors.
_TITLES_AS_WRITTEN = (
    "mr mrs ms miss mx mister missus madam sir dame lady lord hon rev revd reverend father capt captain col colonel maj major gen general lt sgt "
    "dr dra drs doctor doktor prof profa professor professora ing dipl mag phd herr herrn frau fraulein familie fam "
    "m mme mlle monsieur madame mademoiselle me sr sra srta srita senor senora senorita don dona dom d "
    "sig sigra signor signora signorina dott dottssa dottore avv dhr mevr mevrouw meneer mw heer hr fru froken herra rouva pan pani"
)
TITLES = frozenset(_TITLES_AS_WRITTEN.split())
# Words that are a name as well as a title count as a title only with a full stop after them.
_ONLY_WITH_STOP = frozenset(["m", "d", "me", "ing", "mag", "fam", "don", "pan", "general", "major", "father", "lord", "hon", "col", "gen"])
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


def mended(text: str) -> str:
    """The text without what a wrong encoding or an escape made of it, where that is certain; else as it is."""
    if not _ODD.search(text):
        return text
    fixed = ftfy.fix_text(text, _MENDING)
    return html.unescape(fixed).strip() or text


def without_titles(text: str) -> str | None:
    """The name without titles and salutations before it; None if there is nothing else."""
    words = text.split()
    while words and _is_title(words[0]):
        words = words[1:]
    return " ".join(words) if len(words) < len(text.split()) and words else (text if words else None)


def key(text: str) -> str | None:
    """The name for comparing: Latin letters without accents, lower case, no titles, words parted by one blank; None if it cannot be read."""
    bare = without_titles(text)
    if bare is None or "@" in bare or _DAMAGED.search(bare):
        return None
    latin = anyascii(bare)
    return _NO_WORD.sub(" ", _APOSTROPHES.sub("", latin).lower()).strip() or None


def _is_title(word: str) -> bool:
    bare = _NO_WORD.sub("", anyascii(word).lower())
    return bare in TITLES and (word.endswith(".") or bare not in _ONLY_WITH_STOP)
