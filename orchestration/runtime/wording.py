"""Numbers in sentences for people."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `1,234 files`; the plural takes an s unless it is given."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
