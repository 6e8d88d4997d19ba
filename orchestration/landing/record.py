"""One record as a reader hands it on, and what the reader has to say of its values. What it means is found
elsewhere."""

import msgspec


class Note(msgspec.Struct, frozen=True, gc=False):
    """What a reader has to say of a value: its field, an issue code, the value as given, and what was done."""

    field: str
    code: str
    given: str
    action: str


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a file: its number from 1, the bytes as delivered, and its JSON text or why it has none.

    `page` is what the page it came in calls the records in it, where that is another name than those of its stream;
    `is_row` says that it was a row of a table. `part` is the place of its member in an archive, which is a text or a
    table of its own.
    """

    number: int
    raw: bytes
    document: bytes | None = None
    reason: str | None = None
    field: str | None = None
    notes: tuple[Note, ...] = ()
    page: str | None = None
    is_row: bool = False
    part: int = 0
