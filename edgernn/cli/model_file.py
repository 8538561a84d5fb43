"""Reading what an .onnx file of edgernn says of itself, without loading the model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import ModelError
from edgernn.files import existing_file

if TYPE_CHECKING:
    from edgernn.manifest import Manifest


def read_manifest(path: Path) -> Manifest:
    """The manifest of a file.

    Raises:
        InputError: there is no such file.
        ModelError: it is damaged, or was not written by edgernn.
    """
    from edgernn.manifest import METADATA_KEY, Manifest
    from edgernn.runtime.metadata import read_metadata

    text = read_metadata(existing_file(path, "model")).get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{str(path)!r} has no edgernn manifest: it was not written by edgernn. Export the torch model "
            "with `edgernn export` to get one."
        )
    return Manifest.from_json(text)


def operator_counts(path: Path) -> dict[str, int] | None:
    """How often each operator stands in a file, loop bodies included, most frequent first.

    None where the package onnx, which reads the graph, is not installed.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        return None
    model = onnx.load(str(path), load_external_data=False)
    counts: Counter[str] = Counter()
    _count(model.graph.node, counts)
    return dict(counts.most_common())


def _count(nodes: Any, counts: Counter[str]) -> None:
    for node in nodes:
        counts[f"{node.domain}.{node.op_type}" if node.domain else node.op_type] += 1
        for attribute in node.attribute:
            _count(attribute.g.node, counts)
            for graph in attribute.graphs:
                _count(graph.node, counts)
