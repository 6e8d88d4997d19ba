"""What a field is likely to be about, by its name alone: for those that no shape knows.

A field that is new, or no longer there, and is about consent, money, status, time or identity may be one of ours under
another name: as long as it is not read, a value that was delivered counts as missing. It is reported by name; see
`schema_drift.py`.
"""

import re

# In their order: the first that fits is it. Words are those of a name's last part, in the plural too.
WORDS: dict[str, tuple[str, ...]] = {
    "consent": (
        "consent", "optin", "optout", "opted", "opt", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "subscription", "permission", "newsletter",
        "gdpr", "suppressed", "contactable", "marketing",
    ),
    "time": ("at", "on", "date", "time", "datetime", "timestamp", "ts", "dt", "since", "until", "created", "updated", "modified", "when"),
    "money": (
        "amount", "total", "subtotal", "price", "currency", "sum", "discount", "tax", "shipping", "fee", "refund", "refunded", "paid", "cost", "revenue",
        "balance", "cent", "value",
    ),
    "status": ("status", "state", "stage", "valid", "active", "deleted", "canceled", "cancelled", "enabled", "blocked", "action", "event", "type"),
    "identity": (
        "email", "mail", "phone", "mobile", "msisdn", "id", "uuid", "document", "customer", "contact", "profile", "account", "user", "username",
        "login",
    ),
}  # fmt: skip
# A state is a status, unless it stands in an address.
_PLACES = ("address", "billing", "shipping", "location", "place", "geo")


def meaning(field: str) -> str | None:
    """consent, money, status, time or identity; null for a field that sounds like none of them."""
    *above, last = [part for part in re.split(r"[.\[\]]+", field) if part] or [""]
    words = _words(last)
    if "state" in words and any(word in _PLACES for part in above for word in _words(part)):
        return None
    return next(
        (
            name
            for name, known in WORDS.items()
            if any(word in known or word.removesuffix("s") in known for word in words)
        ),
        None,
    )


def _words(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return re.findall(r"[a-z]+", apart.lower())
