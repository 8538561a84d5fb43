"""A quantization report as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from edgernn.cli.console import show, table

if TYPE_CHECKING:
    from edgernn.quantize import Choice, QuantizationReport


def weights(report: QuantizationReport) -> Table:
    """The weights that were quantized."""
    return table(
        "Quantized weights",
        ("weight", "read by", "shape", "scheme", "bytes before", "bytes after", "largest error"),
        [
            (
                item.name,
                item.used_by,
                _shape(item.shape),
                item.scheme,
                item.bytes_before,
                item.bytes_after,
                item.max_abs_error,
            )
            for item in report.quantized
        ],
    )


def left(report: QuantizationReport) -> Table:
    """The weights that stay in float32, each with its reason."""
    return table(
        "Left in float32",
        ("weight", "read by", "shape", "bytes", "because"),
        [
            (item.name, item.used_by, _shape(item.shape), item.bytes_after, item.reason)
            for item in report.left
        ],
    )


def budget_line(choice: Choice) -> str:
    """What the budget was, what the file has, and how it was found."""
    tried = f"{len(choice.trials)} files tried"
    how = f"the smallest of all, {tried}" if choice.exhaustive else f"found step by step, {tried}"
    return f"{choice.budget}: {show(choice.value)} (float32: {show(choice.float32)}); {how}"


def layers(choice: Choice) -> Table:
    """What each layer costs when it alone is quantized, and how it is stored in the file."""
    chosen = choice.trials[choice.chosen].schemes
    return table(
        "Each layer quantized alone",
        ("layer", "scheme", "bytes before", "bytes after", "largest error", "by gate", "stored as"),
        [
            (
                item.layer,
                item.scheme,
                item.bytes_before,
                item.bytes_after,
                item.max_error,
                ", ".join(f"{gate} {show(error)}" for gate, error in item.gates.items()),
                chosen[item.layer],
            )
            for item in choice.layers
        ],
    )


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"
