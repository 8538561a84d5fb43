"""What `edgernn inspect` says of a file's layers and the kernels."""

from __future__ import annotations

import pytest

from edgernn.cells import Cell, find_cells
from edgernn.cli.manifest_tables import for_kernels
from edgernn.manifest import RecurrentLayer


def _layer(cell: str, recurrence: str) -> RecurrentLayer:
    return RecurrentLayer("layer.l0", cell, 4, 5, 1, recurrence)


@pytest.mark.parametrize(
    ("cell", "recurrence", "functions", "said"),
    [
        ("MinGRU", "op", ["MinGRU_float32"], "a function"),
        ("CoupledLSTM", "op", ["Weight_int8", "LSTM_int8"], "a function"),
        ("LSTM", "op", ["Weight_fp16"], "an operator; with export --kernels, or in int8 or int4, a function"),
        ("MinGRU", "scan", [], "scan; with export --kernels a function"),
        ("Leaky", "scan", ["GRU_float32"], "scan of its own step: kernels know the library's cells alone"),
        ("Leaky", "unrolled", [], "unrolled of its own step: kernels know the library's cells alone"),
    ],
)
def test_why_a_layer_is_a_function_or_not(
    cell: str, recurrence: str, functions: list[str], said: str
) -> None:
    assert for_kernels(_layer(cell, recurrence), functions) == said


def test_every_cell_of_the_library_is_known_as_one() -> None:
    for name in find_cells():
        assert "a function" in for_kernels(_layer(name, "scan"), [])
    assert "its own step" in for_kernels(_layer(Cell.__name__ + "OfMine", "scan"), [])
