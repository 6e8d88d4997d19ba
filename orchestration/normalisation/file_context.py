"""Where the records of a landing file come from: what every row of them says of itself."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock

from orchestration.config.settings import Account
from orchestration.normalisation import erasures
from orchestration.normalisation.erasures import Erasures


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
    erased: Erasures | None = None
    """Who was erased: whoever is known by the same later is somebody else."""

    @property
    def night(self) -> datetime:
        return datetime.combine(self.export_date, clock(), UTC)

    def life_of(self, stream: str, record: str) -> str:
        """What tells a record from the one of the same id that was erased; nothing where none was."""
        if not self.erased:
            return ""
        until = self.erased.last_night(
            erasures.record(self.account.source, self.account.source_account, stream, record)
        )
        return "" if until is None or self.export_date <= until else f"\x1dafter {until}"
