"""The figures of a plan: what becomes of a target's records and why, and whether a person should look first.

The records themselves stand in the tables of `plan_rows.py`.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from orchestration.activation.targets import Target
from orchestration.runtime.wording import counted

NO_VENDOR_KEY, SHARED, CONSENT, TOO_LONG = "no_vendor_key", "shared_identifier", "consent", "too_long"
OPT_OUT = "opt_out_not_said"
UNCHANGED, NEW, CHANGED, CLEARED, GONE = "unchanged", "new", "changed", "cleared", "gone"


@dataclass(frozen=True)
class Shown:
    """One value before and after, as a preview shows it; the values of ours name nobody."""

    customer_id: str
    field: str
    before: Any
    after: Any


@dataclass
class Plan:
    """Figures of a plan; its rows stand in the tables `changes`, `tagged` and `rejects`."""

    target: Target
    as_of: date
    run_id: str
    mapping_version: str
    is_first: bool
    is_new_mapping: bool
    before: int
    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    examples: list[Shown] = field(default_factory=list)
    opt_outs: int = 0
    tag_changes: int = 0

    @property
    def is_empty(self) -> bool:
        return not (
            any(self.counts[action] for action in (NEW, CHANGED, CLEARED, GONE)) or self.opt_outs or self.tag_changes
        )

    @property
    def has_nobody(self) -> bool:
        """The vendor has delivered nobody for this account, and nobody was written before."""
        return not (self.before or self.counts or self.rejected)

    @property
    def to_confirm(self) -> str | None:
        """Why a person should look before this is written."""
        leaving = self.counts[CLEARED] + self.counts[GONE]
        if self.is_empty:
            return None
        if self.is_first:
            return "it is the first time for this target"
        if self.is_new_mapping:
            return "what is sent, or how, was changed: every record is written once more"
        if self.before >= self.target.guard_from_records:
            if leaving > self.target.most_leaving_share * self.before:
                return (
                    f"{leaving:,} of {counted(self.before, 'record')} would be cleared or are gone, more than"
                    " `most_leaving_share` allows"
                )
            if self.counts[CHANGED] > self.target.most_changed_share * self.before:
                return (
                    f"{self.counts[CHANGED]:,} of {counted(self.before, 'record')} would change, more than `most_changed_share`"
                    " allows"
                )
            if self.opt_outs > self.target.most_leaving_share * self.before:
                return (
                    f"{counted(self.opt_outs, 'opt-out')} would go out beside {counted(self.before, 'record')}, more than"
                    " `most_leaving_share` allows"
                )
        return None
