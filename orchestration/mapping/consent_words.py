"""How consent is given and refused in words, at whichever vendor: one list for all, beside the words that only one of
them uses.

A no is heard in every spelling that can be recognised, also where it stands without the object it belongs in, or inside
one that it does not.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.canonical.field_meanings import meaning

PLAIN_YES = ("true", "t", "yes", "y", "1", "1.0", "on", "sim", "sí", "si", "ja", "oui")
PLAIN_NO = ("false", "f", "no", "n", "0", "0.0", "off", "não", "nao", "nein", "non", "nee")
AGREED = (
    *PLAIN_YES, "in", "opt in", "opted in", "double opt in", "single opt in", "subscribe", "subscribed", "grant", "granted", "allow", "allowed", "accept",
    "accepted", "agree", "agreed", "approved", "consented", "consent", "given", "confirmed", "enabled", "explicitly opted in", "aceito", "autorizado",
    "aceptado", "inscrit", "accepté", "angemeldet", "eingewilligt", "zugestimmt",
)  # fmt: skip
REFUSED = (
    *PLAIN_NO, "out", "opt out", "opted out", "unsubscribe", "unsubscribed", "revoke", "revoked", "withdraw", "withdrawn", "deny", "denied", "decline",
    "declined", "refuse", "refused", "reject", "rejected", "disallow", "disallowed", "not allowed", "forbidden", "prohibited", "object", "objected",
    "disagree", "disagreed", "not consented", "suppressed", "stop", "stopped", "blocked", "disabled", "do not contact", "dnc", "never",
    "explicitly opted out", "revogado", "negado", "recusado", "descadastrado", "rechazado", "denegado", "désinscrit", "refusé", "abgemeldet", "abgelehnt",
    "widerrufen", "not accepted", "not agreed", "not approved", "not authorised", "not authorized", "not given", "not granted", "not interested",
    "not permitted", "no consent", "no marketing", "no permission", "no thanks", "no, thanks", "no thank you", "no, thank you", "blacklisted", "banned",
    "nicht erlaubt", "nicht zugestimmt", "nicht eingewilligt", "nicht einverstanden", "não autorizado", "não aceito", "no autorizado", "no aceptado",
    "non accepté", "baja", "dado de baja", "dada de baja", "bloqueado", "gesperrt", "untersagt", "verweigert",
)  # fmt: skip
UNSAID = (
    "unknown",
    "not specified",
    "unspecified",
    "none",
    "not set",
    "pending",
    "non subscribed",
    "not subscribed",
    "never subscribed",
)
CONSENT_WORDS: Mapping[str, str] = (
    dict.fromkeys(AGREED, "opt_in") | dict.fromkeys(REFUSED, "opt_out") | dict.fromkeys(UNSAID, "unknown")
)


# What joins the parts of a word: blanks, underscores, hyphens and the dashes that are written for them.
JOINT = "[\\s_\u2010-\u2015\u2212-]"


def bare_word(stated: str) -> str:
    """A word as it is compared: case, blanks, hyphens and underscores aside."""
    return re.sub(f"{JOINT}+", "", stated.lower())


# What refuses, or complains, wherever it stands in a longer word, unless it is itself denied. A bounce is no refusal:
# nobody has said anything.
REFUSAL = (
    rf"(?:unsub|opt(?:s|ed|ing)?{JOINT}*out|complain|spam|abuse|suppress|refus|revok|revoc|revog|withdr[ae]w|declin|denied"
    r"|deneg|object(?:ed|ion)|descadastr|recusad|rechazad|desuscri|disiscri|d[eé]sinscri|d[eé]sabonn|abgemeldet|abgelehnt"
    r"|abbestell|ausgetragen|widerruf|widerspr[ou]ch|uitgeschreven|afgemeld"
    rf"|do(?:n'?t|{JOINT}*not){JOINT}*(?:contact|e?-?mail|call|text|sms|send|market))"
)
# A no that stands apart from the refusal (`NO - unsubscribed`) denies none.
_NEXT_TO = rf"(?:\s+|{JOINT})?"
DENIED_REFUSAL = (
    rf"(?:^|[^a-z])(?:not|never|non|no|nicht|keine?|n[aã]o|niet|pas){_NEXT_TO}(?:(?:yet|been){_NEXT_TO})?{REFUSAL}"
)

_SAID = {bare_word(word): status for word, status in CONSENT_WORDS.items()}
# What a yes or no is called where it is not called by a word for consent itself; of a channel alone only a no is one to
# all.
_NAMES = frozenset(
    {
        "value",
        "status",
        "state",
        "marketing",
        "allowmarketing",
        "optin",
        "optedin",
        "subscription",
        "newsletter",
        "isallowed",
        "issubscribed",
    }
)
_CHANNELS = frozenset({"email", "mail", "sms", "phone", "push", "whatsapp", "post", "all"})


_PLAIN_REFUSALS = frozenset(
    map(bare_word, ("unsubscribe", "unsubscribed", "opt out", "opted out", "explicitly opted out", "do not contact"))
)
_NEGATIVE = re.compile("unsub|opt(?:ed)?out|suppress|donotcontact|refus|revok")
_YEAR = re.compile(r"\b(?:19|20)\d\d")


def said(value: Any) -> str | None:
    """opt_in, opt_out or unknown, if the value is a yes or no or a word for it."""
    text = "true" if value is True else "false" if value is False else value
    if not isinstance(text, str | int | float):
        return None
    return _SAID.get(bare_word(str(text))) or ("opt_out" if refuses(str(text)) else None)


def refuses(stated: str) -> bool:
    """A refusal or a complaint stands in the word."""
    return bool(re.search(REFUSAL, stated.lower())) and not re.search(DENIED_REFUSAL, stated.lower())


def heard(value: Any) -> Any:
    """The yes or no that is stated somewhere in a value of any shape, as delivered; of several the no, and null if
    there is none."""
    found = list(_reported(value))
    return next((one for one in found if said(one) == "opt_out"), found[0] if found else None)


def may_refuse(name: str, value: Any) -> bool:
    """A field that nothing is read from says no, by its name and its value or in a word that means nothing else."""
    if isinstance(value, dict) and any(may_refuse(f"{name}.{key}", inner) for key, inner in value.items()):
        return True
    if isinstance(value, list) and any(may_refuse(name, inner) for inner in value if isinstance(inner, dict | list)):
        return True
    word = heard(value) if isinstance(value, dict | list) else value
    if word is None or (isinstance(word, int | float) and not isinstance(word, bool)) or str(word).isdigit():
        return False
    if isinstance(word, str) and bare_word(word) in _PLAIN_REFUSALS:
        return True
    if meaning(name) != "consent":
        return False
    if _NEGATIVE.search(bare_word(name.rpartition(".")[2])):
        return said(word) == "opt_in" or (said(word) is None and bool(_YEAR.search(str(word))))
    return said(word) == "opt_out"


def _reported(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for inner in value:
            yield from _reported(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _reported_under(key, heard(inner))
    elif said(value) is not None:
        yield value


def _reported_under(key: str, word: Any) -> Iterator[Any]:
    """What a word means under its name: a yes to having unsubscribed is a no, and a no to that is nothing."""
    name, status = bare_word(key), said(word)
    if said(key) == "opt_out":
        if status == "opt_in":
            yield key
    elif status is not None and (
        said(key) == "opt_in" or name in _NAMES or (name in _CHANNELS and status == "opt_out")
    ):
        yield word
