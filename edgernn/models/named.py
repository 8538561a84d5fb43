"""What the networks' constructors take by name."""

from __future__ import annotations

import difflib

from edgernn.cells import Cell, find_cells
from edgernn.errors import InputError


def cell_type(name: str) -> type[Cell]:
    """The cell of that name, in any case; raises InputError with the nearest name where there is none."""
    cells = {found.lower(): cell for found, cell in find_cells().items()}
    if not isinstance(name, str) or name.lower() not in cells:
        close = difflib.get_close_matches(str(name).lower(), cells, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(f"cell: unknown cell {name!r}.{hint} Known cells: {', '.join(sorted(cells))}.")
    return cells[name.lower()]


def check_sizes(owner: str, **sizes: int) -> None:
    """Raise InputError where one of the sizes is no integer ≥ 1."""
    for name, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{owner}: {name} must be an integer ≥ 1, found {value!r}.")
