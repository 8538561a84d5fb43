"""Which provider takes which node, as a report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class NodePlacement:
    """A node, and what a provider says of it.

    Attributes:
        node: its name.
        op: its operator, with the domain where it is not ONNX's own.
        body_of: operator of the node whose body it stands in; empty in the main graph.
        taken: whether the provider takes it.
        reason: why not; empty where it does.
        remedy: what would change that.
    """

    node: str
    op: str
    body_of: str
    taken: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class ProviderPlacement:
    """A file, as one provider takes it.

    Attributes:
        provider: its name.
        nodes: every node that is left when constants are folded.
        source: where its rules come from.
        notes: what the rules about single nodes cannot say.
    """

    provider: str
    nodes: tuple[NodePlacement, ...]
    source: str
    notes: tuple[str, ...]

    @property
    def taken(self) -> int:
        """How many nodes it takes."""
        return sum(item.taken for item in self.nodes)

    @property
    def complete(self) -> bool:
        """Whether it takes all."""
        return self.taken == len(self.nodes)

    @property
    def partitions(self) -> int:
        """Runs of nodes of the main graph, in the file's order, that it takes; each is a trip and back."""
        main = [item.taken for item in self.nodes if not item.body_of]
        return sum(now and not before for before, now in zip([False, *main], main, strict=False))

    def objections(self) -> list[tuple[str, str, int, str]]:
        """(reason, remedy, how many nodes, the first of them), the most frequent first."""
        found: dict[tuple[str, str], list[str]] = {}
        for item in self.nodes:
            if not item.taken:
                found.setdefault((item.reason, item.remedy), []).append(item.node)
        rows = [(reason, remedy, len(names), names[0]) for (reason, remedy), names in found.items()]
        return sorted(rows, key=lambda row: -row[2])


@dataclass(frozen=True)
class PlacementReport:
    """A file, as several providers take it.

    Attributes:
        path: the file.
        providers: one entry each, in the order they were asked for.
        folded: nodes that depend on constants alone and are computed once, at load, by any provider.
    """

    path: str
    providers: tuple[ProviderPlacement, ...]
    folded: int

    def of(self, provider: str) -> ProviderPlacement:
        """The entry of a provider."""
        return next(item for item in self.providers if item.provider == provider)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the sums of each provider."""
        data = asdict(self)
        for entry, item in zip(data["providers"], self.providers, strict=True):
            entry |= {"taken": item.taken, "complete": item.complete, "partitions": item.partitions}
        return data

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


@dataclass(frozen=True)
class Assignment:
    """What onnxruntime did with a file, beside what the rules said.

    Attributes:
        provider: the provider.
        error: why onnxruntime did not start; empty where it did.
        differences: nodes that the rules and onnxruntime see differently, each as a sentence.
    """

    provider: str
    error: str
    differences: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether the rules hold for this file."""
        return not self.error and not self.differences
