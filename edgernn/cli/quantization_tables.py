"""A quantization report as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from edgernn.cli.console import table

if TYPE_CHECKING:
    from edgernn.quantize import QuantizationReport


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


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one number"
