"""Where the records of a landing file come from: what every row of them says of itself."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock

from orchestration.config.settings import Account


@dataclass(frozen=True)
class Origin:
    """Where the records of a file come from."""

    account: Account
    stream: str
    export_date: date
    source_file: str
    load_seq: int
    file_value: str | None = None
    secret: bytes = b""

    @property
    def night(self) -> datetime:
        return datetime.combine(self.export_date, clock(), UTC)
