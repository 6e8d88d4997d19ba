"""What a run leaves to be read: what became of the files, the figures of the last line of output, and the exit code."""

from dataclasses import dataclass, replace

from orchestration.config.settings import Settings
from orchestration.landing.landing_zone import LandingProblem
from orchestration.loading.loader import FileOutcome
from orchestration.publishing import change_report, publish


@dataclass(frozen=True)
class Ingestion:
    """What became of the files a run looked at, and what in the landing zone was no file to load."""

    outcomes: tuple[FileOutcome, ...]
    problems: tuple[LandingProblem, ...]

    @property
    def rejected_files(self) -> list[FileOutcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "rejected"]

    def deliveries_above(self, limit: float) -> list[str]:
        """Deliveries (vendor/stream/date) of which a larger share was rejected than the limit allows."""
        read: dict[str, int] = {}
        rejected: dict[str, int] = {}
        for outcome in self.outcomes:
            name = outcome.file.delivery
            read[name] = read.get(name, 0) + outcome.rows_read
            rejected[name] = rejected.get(name, 0) + outcome.rows_rejected - outcome.rows_erased
        return sorted(name for name, count in rejected.items() if count > limit * read[name])


@dataclass(frozen=True)
class RunReport:
    """A run's figures, as the last line of output gives them, and what a person should know beside."""

    files: int
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rows_duplicate: int
    customers: int
    orders: int
    published: bool
    duration_s: float
    run_id: str
    ingestion: Ingestion
    deliveries_above_limit: tuple[str, ...]
    warnings: tuple[str, ...]
    attention: tuple[str, ...] = ()
    changed: change_report.Changes | None = None

    def after(self, settings: Settings) -> "RunReport":
        """The same with the totals of what analysts see now."""
        seen = publish.current(settings)
        return replace(self, customers=seen.customers, orders=seen.orders) if seen else self

    @property
    def figures(self) -> dict[str, int | float | bool]:
        """The fixed keys of the JSON line."""
        keys = (
            "files",
            "rows_read",
            "rows_loaded",
            "rows_rejected",
            "rows_duplicate",
            "customers",
            "orders",
            "published",
            "duration_s",
        )
        return {key: getattr(self, key) for key in keys}

    @property
    def exit_code(self) -> int:
        return (
            3
            if self.ingestion.problems or self.ingestion.rejected_files or self.deliveries_above_limit or self.attention
            else 0
        )
