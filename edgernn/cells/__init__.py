"""Recurrent cells, one file each, found by their file: `from edgernn.cells import MinGRU`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

from edgernn.cells.base import Cell, State
from edgernn.cells.gru import GRU
from edgernn.cells.lstm import LSTM
from edgernn.cells.operator import OnnxOperator
from edgernn.cells.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "Cell", "OnnxOperator", "State", "find_cells"]


def find_cells() -> dict[str, type[Cell]]:
    """Every cell of this folder by name: the subclasses of `Cell` named like their file."""
    modules = [importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__)]
    return {
        name: value
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Cell)
        and value.__module__ == module.__name__
        and name.lower() == module.__name__.rpartition(".")[2].replace("_", "")
    }


def __getattr__(name: str) -> Any:
    cells = {} if name.startswith("_") else find_cells()
    if name not in cells:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; its cells are {sorted(cells)}")
    return cells[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *find_cells()})
