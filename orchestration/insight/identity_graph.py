"""The graph behind one person: records, the links between them, the shortest chain between two, and what it depends on.

Pure: rows of `meta.identity_links` in, records and links out. `explanation.py` reads them and puts them into words.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

WORK = 20_000_000


@dataclass(frozen=True)
class RecordLink:
    """A record and one link that holds it to the person."""

    alias_id: str
    link_id: str
    rule: str
    rule_detail: str | None
    identifier_type: str | None
    identifier_namespace: str | None
    identifier_value: str | None

    @property
    def identifier(self) -> tuple[str | None, ...]:
        """What would have to go for the link to go: the identifier, or the link where it is none."""
        if self.identifier_value is None:
            return (self.rule, self.rule_detail, self.link_id)
        return (self.identifier_type, self.identifier_namespace, self.identifier_value)


@dataclass(frozen=True)
class Step:
    """One step of a chain: from a record over a link to another."""

    start: RecordLink
    end: RecordLink


@dataclass(frozen=True)
class Bridge:
    """A link without which the person falls apart, with the records that would no longer be with the anchor."""

    link: RecordLink
    cut_off: frozenset[str]
    parts: int


class Graph:
    """Records of one person and what links them."""

    def __init__(self, links: Iterable[RecordLink]) -> None:
        self.links = list(links)
        self._of_record: dict[str, list[RecordLink]] = defaultdict(list)
        self._of_link: dict[str, list[RecordLink]] = defaultdict(list)
        for link in sorted(self.links, key=lambda link: (link.link_id, link.alias_id)):
            self._of_record[link.alias_id].append(link)
            self._of_link[link.link_id].append(link)

    def tree(self, root: str) -> dict[str, Step]:
        """For every record that is linked to the root: the last step of the shortest chain from there."""
        return self._reach(root, avoid=None)

    def chain(self, one: str, other: str) -> list[Step] | None:
        """The shortest chain between two records; None if nothing links them."""
        tree = self.tree(one)
        steps: list[Step] = []
        while other != one:
            if other not in tree:
                return None
            steps.append(tree[other])
            other = tree[other].start.alias_id
        return steps[::-1]

    def bridges(self, anchor: str) -> tuple[list[Bridge], int]:
        """What the person depends on, the most records first; and how many links were left untried, being too many."""
        by_identifier: dict[tuple[str | None, ...], list[RecordLink]] = defaultdict(list)
        for link in self.links:
            by_identifier[link.identifier].append(link)
        candidates = sorted(by_identifier.items(), key=lambda item: (-len(item[1]), item[1][0].link_id))
        tried = candidates[: max(1, WORK // max(1, len(self.links)))]
        everybody = frozenset(self._of_record) | {anchor}
        found = [self._bridge(anchor, links, everybody) for _, links in tried]
        return sorted((each for each in found if each), key=lambda bridge: -len(bridge.cut_off)), len(candidates) - len(
            tried
        )

    def _bridge(self, anchor: str, links: list[RecordLink], everybody: Collection[str]) -> Bridge | None:
        without = frozenset(link.link_id for link in links)
        kept = {anchor, *self._reach(anchor, avoid=without)}
        cut_off = frozenset(everybody) - kept
        if not cut_off:
            return None
        parts, left = 1, set(cut_off)
        while left:
            start = min(left)
            left -= {start, *self._reach(start, avoid=without)}
            parts += 1
        return Bridge(links[0], cut_off, parts)

    def _reach(self, root: str, *, avoid: frozenset[str] | None) -> dict[str, Step]:
        steps: dict[str, Step] = {}
        links: set[str] = set(avoid or ())
        waiting = deque([root])
        while waiting:
            record = waiting.popleft()
            for start in self._of_record.get(record, ()):
                if start.link_id in links:
                    continue
                links.add(start.link_id)
                for end in self._of_link[start.link_id]:
                    if end.alias_id != root and end.alias_id not in steps:
                        steps[end.alias_id] = Step(start, end)
                        waiting.append(end.alias_id)
        return steps
