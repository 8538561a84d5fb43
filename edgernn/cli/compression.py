"""What `edgernn finetune` tells of a network that it made smaller."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.console import file_size, table

if TYPE_CHECKING:
    from edgernn.training import Compression, TrainReport

# Scheme → bytes before and after.
Sizes = dict[str, tuple[int, int]]
_SCHEMES = ("float32", "int8")


def read_compression(prune: float | None, block: str | None, low_rank: float | None) -> Compression | None:
    """What the options of these names ask for; None where none is given."""
    from edgernn.errors import InputError
    from edgernn.training import Compression

    if prune is None and low_rank is None:
        if block is not None:
            raise InputError("prune-block: it says what --prune makes zero; give that too, e.g. --prune 0.5.")
        return None
    shape = (1, 16)
    if block is not None:
        rows, times, columns = block.lower().partition("x")
        if not times or not rows.isdecimal() or not columns.isdecimal():
            raise InputError(f"prune-block: {block!r} is no ROWSxCOLUMNS; write e.g. 1x16.")
        shape = int(rows), int(columns)
    return Compression(prune or 0.0, shape, low_rank or 0.0)


def file_sizes(parent: Path, folder: str, recipe: str) -> Sizes:
    """Bytes of the files of two runs' networks, as sequences, in float32 and in int8."""
    import edgernn
    from edgernn.source import load_source

    found: dict[str, list[int]] = {scheme: [] for scheme in _SCHEMES}
    with TemporaryDirectory(prefix="edgernn-sizes-") as name:
        for run in (parent, Path(folder)):
            source = load_source(run, recipe=recipe)
            assert source.example_inputs is not None
            whole, small = Path(name) / "float32.onnx", Path(name) / "int8.onnx"
            edgernn.export(source.model, whole, source.example_inputs, check=False)
            found["float32"].append(whole.stat().st_size)
            found["int8"].append(edgernn.quantize(whole, small).bytes_after)
    return {scheme: (before, after) for scheme, (before, after) in found.items()}


def print_compression(console: Console, training: TrainReport, sizes: Sizes) -> None:
    """Print the weights, what that cost before and after training made up for it, and the files' sizes."""
    report = training.compression
    assert report is not None
    rows = [
        (weight.name, " × ".join(map(str, weight.shape)), weight.how, f"{weight.numbers:,}")
        for weight in report.weights
    ]
    console.print(table("Smaller weights", ("weight", "shape", "now", "numbers kept"), rows))
    scores = [
        (name, training.scores_before[name], value, training.scores[name])
        for name, value in report.scores.items()
        if "/" not in name
    ]
    console.print(table("What that cost", ("score", "before", "made smaller", "finetuned"), scores))
    files = [
        (scheme, file_size(before), file_size(after), f"{after / before:.0%}")
        for scheme, (before, after) in sizes.items()
    ]
    console.print(table("Files", ("weights", "before", "after", "share"), files))
