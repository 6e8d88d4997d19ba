"""Identifiers as a terminal may show them: enough to recognise one that is known, too little to learn one."""


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
