"""torch.export of a prepared module, with loops over time followed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.fx import Node
from torch.fx.node import map_arg

from edgernn.capture.cells import CellStandIn
from edgernn.capture.loops import loops_followed
from edgernn.capture.pooling import free_pooling
from edgernn.capture.runs import NOT_FOLLOWED, refusal
from edgernn.errors import EdgeRNNError, ExportError


def trace(module: nn.Module, examples: tuple[Any, ...], dynamic: Sequence[Any]) -> ExportedProgram:
    """torch.export of `module`; raises ExportError with torch's reason where it cannot be traced."""
    with warnings.catch_warnings(), torch.no_grad(), free_pooling():
        # torch warns of its own deprecated internals here, which no user can act on.
        warnings.simplefilter("ignore")
        try:
            return torch.export.export(module, examples, dynamic_shapes=tuple(dynamic), strict=False)
        except EdgeRNNError:
            raise
        except Exception as error:
            reason = str(error).strip().split("\n\n")[0]
            raise ExportError(
                f"torch.export cannot trace {type(module).__name__} with batch and time free: {reason}\n"
                "If it says that a dimension is specialised or constant, the forward uses that size as a "
                "number: use -1 in view and reshape, and loops over layers rather than over time. "
                "If an input is not (batch, time, features), name its dimensions with dims=."
            ) from error


def trace_loops(
    module: nn.Module, examples: tuple[Tensor, ...], larger: tuple[Tensor, ...], dynamic: Sequence[Any]
) -> ExportedProgram:
    """`trace` of a prepared module, its loops over time followed.

    Raises ExportError where the graph for `larger` examples is another one: a loop was not understood.
    """
    cells = [part.layer for part in module.modules() if isinstance(part, CellStandIn)]
    if not cells:
        return trace(module, examples, dynamic)
    with loops_followed() as loops:
        program = trace(module, examples, dynamic)
    if not loops.counted:
        return program
    with loops_followed():
        again = trace(module, larger, dynamic)
    if _fingerprint(program) != _fingerprint(again):
        raise ExportError(refusal(cells[0], NOT_FOLLOWED))
    # The single steps, in whose place the sequences stand.
    program.graph.eliminate_dead_code()
    program.graph_module.recompile()
    return program


def _fingerprint(program: ExportedProgram) -> list[str]:
    """What a graph computes, apart from the names of its nodes and from what nobody reads."""
    numbers: dict[Node, int] = {}
    *_, output = program.graph.nodes
    needed, waiting = {output}, [output]
    while waiting:
        new = set(waiting.pop().all_input_nodes) - needed
        needed |= new
        waiting.extend(new)
    found = []
    for node in program.graph.nodes:
        if node in needed:
            numbers[node] = len(numbers)
            arguments = map_arg((node.args, node.kwargs), lambda value: f"%{numbers[value]}")
            found.append(f"{node.op} {node.target if node.op == 'call_function' else ''} {arguments}")
    return found
