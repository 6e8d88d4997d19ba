"""What vendors answered to the bodies they were sent: a line per answer in `receipts.ndjson` beside a target's folders,
written after it came, and one before each body is posted.

A body without an answer is pending. Keys of records stand here, for a record that failed must be written again; who
only counts reads `meta.activation_log`.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

FILE = "receipts.ndjson"
# Such as 400 and `duplicate_resource`.
CODE = re.compile(r"[1-5][0-9]{2}|(?=.{3,60}$)[a-z]+(?:_[a-z]+)+")
NO_CODE = "no code was given"
# `begun`: on its way; without a later line nobody knows whether it was taken. `not_taken`: the vendor refused us, not the
# body. `accepted`: taken for later; `delivered`: the vendor says what became of each record; `refused`: none of it was
# taken.
State = Literal["begun", "not_taken", "accepted", "delivered", "refused"]


@dataclass(frozen=True)
class Receipt:
    """One answer, or that a body was on its way."""

    folder: str
    file: str
    state: State
    records: int
    reference: str | None = None
    status: int | None = None
    reason: str | None = None
    failed: Mapping[str, str] = field(default_factory=dict)
    is_all_failed: bool = False
    at: str = ""
    sha256: str | None = None
    """The body that it is of: another one under the same name has no answer. A line of an earlier version names none."""

    @property
    def is_answer(self) -> bool:
        return self.state not in ("begun", "not_taken")

    @property
    def is_open(self) -> bool:
        """The vendor has it, and has not said yet what became of it."""
        return self.state == "accepted" and self.reference is not None

    @property
    def failed_records(self) -> int:
        return self.records if self.is_all_failed or self.state == "refused" else len(self.failed)


def append(root: Path, receipt: Receipt) -> None:
    """Writes one more, to the disk. A line that a killed process left half is ended first."""
    path = root / FILE
    line = json.dumps(
        {**asdict(receipt), "at": receipt.at or datetime.now(UTC).isoformat(timespec="milliseconds")},
        ensure_ascii=False,
    )
    with path.open("ab+") as file:
        if file.tell() and not _ends_whole(path):
            file.write(b"\n")
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(root: Path) -> Iterator[Receipt]:
    """All of them, oldest first."""
    path = root / FILE
    for line in path.read_bytes().splitlines() if path.exists() else ():
        # One that was cut off: that answer was not recorded, and its body is sent again.
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield msgspec.json.decode(line, type=Receipt)


def code(reason: object) -> str:
    """A vendor's reason as far as that is a status or a word of its documents. A sentence may name somebody, in any
    words: nothing of it is kept."""
    text = str(reason)
    return text if CODE.fullmatch(text) else NO_CODE


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
