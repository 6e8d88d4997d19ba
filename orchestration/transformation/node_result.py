"""What became of each model and test of a build."""

from dataclasses import dataclass
from pathlib import Path

from orchestration.config.settings import Settings
from orchestration.runtime.errors import DAMAGED, NO_ROOM, OUT_OF_MEMORY, OperatorError
from orchestration.runtime.wording import counted


@dataclass(frozen=True)
class NodeResult:
    """What became of one model or test: `failures` counts the rows a test found, `reason` says of what kind, `query`
    shows them."""

    unique_id: str
    kind: str
    name: str
    status: str
    seconds: float
    failures: int = 0
    reason: str = ""
    query: Path | None = None

    @property
    def is_failure(self) -> bool:
        return self.status in ("error", "fail", "runtime error")

    @property
    def is_starved(self) -> bool:
        return self.is_failure and self.reason.startswith(OUT_OF_MEMORY)

    @property
    def is_damage(self) -> bool:
        return self.is_failure and self.reason == DAMAGED

    @property
    def short_name(self) -> str:
        """The name that dbt selects it by."""
        return self.name.split(".")[-1]

    @property
    def is_warning(self) -> bool:
        return self.status == "warn"

    def __str__(self) -> str:
        if self.kind == "test":
            found = self.reason or counted(self.failures, "row")
            return f"test {self.name}: {found}" + (f", shown by {self.query}" if self.query else "")
        return f"model {self.name}: {self.reason}"


class TransformError(OperatorError):
    """A model or test failed; `nodes` list everything that was done until then."""

    def __init__(self, nodes: tuple[NodeResult, ...], settings: Settings) -> None:
        # What a test found is why a model after it cannot be made.
        failures = sorted((node for node in nodes if node.is_failure), key=lambda node: node.kind == "model")
        shown = "; ".join(str(node) for node in failures[:3])
        more = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
        remedy = f"Look at the rows in {settings.build_file} (read-only), fix the cause and run again."
        if any(node.is_starved for node in failures):
            remedy = f"Raise `memory_limit` in settings.toml above {settings.memory_limit} and run again."
        if any(node.reason == NO_ROOM for node in failures):
            remedy = "Make room and run again: it continues where it stopped."
        super().__init__(f"Nothing was published, because {shown}{more}.", remedy=remedy)
        self.nodes = nodes
