"""Identifiers as a terminal or a log may show them: enough to recognise one that is known, too little to learn one."""

import re

ADDRESS = re.compile(r"[^\s@`'\"/]+@[^\s@`'\"/.]+\.[^\s@`'\"/]+")
NUMBER = re.compile(r"\+?[0-9](?:[ ().-]{0,2}[0-9]){7,}")


def is_contact(text: str) -> bool:
    """Whether the text is an e-mail address or an international phone number, and nothing else."""
    return bool(ADDRESS.fullmatch(text) or (text.startswith("+") and NUMBER.fullmatch(text)))


def without_addresses(text: str) -> str:
    """The text with its e-mail addresses masked."""
    return ADDRESS.sub(lambda found: masked("email", found[0]), text)


def without_contacts(name: str) -> str:
    """A name with its e-mail addresses masked, and its numbers that are as long as a phone's."""
    return NUMBER.sub(lambda found: masked("phone", found[0]), without_addresses(name))


def masked(kind: str, value: str) -> str:
    """First and last signs of a value; of an e-mail address the first of either side and the ending."""
    if kind == "document":
        return f"…{value[-2:]}"
    if "@" in value:
        local, _, domain = value.rpartition("@")
        return f"{_start(local)}…@{domain[:1]}…{domain[domain.rfind('.') :] if '.' in domain else ''}"
    return f"{value[:3]}…{value[-2:]}" if len(value) > 7 else f"{value[:1]}…"


def _start(local: str) -> str:
    """The sign a reader knows an address by; a prefix such as `email:` is none."""
    return local.split(":", 1)[-1][:1]
