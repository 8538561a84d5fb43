"""Options of commands that several processes can run together."""

from __future__ import annotations

from typing import Annotated

import typer

Devices = Annotated[
    int | None,
    typer.Option(
        help="Processes on each machine that share every batch; torchrun --nproc_per_node starts them.",
        show_default="as many as torchrun started, or 1",
    ),
]
Nodes = Annotated[
    int | None,
    typer.Option(help="Machines that train together.", show_default="as torchrun --nnodes says, or 1"),
]
