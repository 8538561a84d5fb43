"""A copy of the user's module whose recurrent layers are opaque operators."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from edgernn.capture.cells import CellStandIn, cell_from_torch
from edgernn.capture.opaque import Layer, register_layer
from edgernn.capture.stacks import EdgeStack, TorchStack, keep_own_forward
from edgernn.cells import GRU, LSTM, RNN, Cell
from edgernn.cells.gated import GatedCell
from edgernn.cells.projected_lstm import ProjectedLSTM
from edgernn.errors import ExportError, InputError
from edgernn.layers import Recurrent

StackT = TypeVar("StackT", bound=nn.Module)

_TORCH_CELLS: dict[type[nn.RNNBase], type[GatedCell]] = {nn.RNN: RNN, nn.LSTM: LSTM, nn.GRU: GRU}


@dataclass(frozen=True)
class Prepared:
    """A module ready to be traced.

    Attributes:
        module: the copy, in evaluation mode, on the CPU.
        layers: its recurrent layers in the order of `named_modules`.
    """

    module: nn.Module
    layers: tuple[Layer, ...]


def prepare(model: nn.Module) -> Prepared:
    """Copy `model` and put opaque operators in the place of its recurrent modules.

    Raises:
        InputError: where `model` is no torch module.
        ExportError: where a recurrent module uses what edgernn does not write.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model: must be a torch.nn.Module, found {type(model).__name__}.")
    model = copy.deepcopy(model).cpu().eval()
    layers: list[Layer] = []
    stand_ins: dict[int, nn.Module] = {}
    # A module that stands in several places is one stack in all of them.
    for path, module in list(model.named_modules(remove_duplicate=False)):
        if id(module) not in stand_ins:
            own = _layers_of(path, module)
            if not own:
                continue
            stand_ins[id(module)] = _stand_in(module, own)
            layers.extend(own)
        if path:
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, stand_ins[id(module)])
        else:
            model = stand_ins[id(module)]
    return Prepared(model.eval(), tuple(layers))


def _stand_in(module: nn.Module, layers: list[Layer]) -> nn.Module:
    if isinstance(module, nn.RNNCellBase):
        return _named(CellStandIn, module)(module, layers[0])
    if not isinstance(module, nn.RNNBase):
        return _named(EdgeStack, module)(module, layers)
    stack, base = _named(TorchStack, module)(module, layers), _torch_class(module)
    assert base is not None
    return stack if type(module).forward is base.forward else keep_own_forward(module, base, stack)


def _named(kind: type[StackT], original: nn.Module) -> type[StackT]:
    """`kind` under the name of the original's class: that is the name which messages should show."""
    return type(type(original).__name__, (kind,), {})


def _layers_of(path: str, module: nn.Module) -> list[Layer]:
    """The layers of a recurrent module; none of any other."""
    if isinstance(module, nn.RNNCellBase):
        cell = cell_from_torch(module)
        return [] if cell is None else [register_layer(path, 0, (cell,))]
    if isinstance(module, Recurrent):
        if type(module).forward is not Recurrent.forward:
            raise ExportError(
                f"module {path or 'model'!r}: {type(module).__name__} has a forward of its own, which the "
                "export would pass over. Call an edgernn.Recurrent from your module instead, or put the "
                "change into a cell."
            )
        return [register_layer(path, index, module.layer(index)) for index in range(module.num_layers)]
    if not isinstance(module, nn.RNNBase):
        return []
    kind = _cell_class(path, module)
    directions = (False, True) if module.bidirectional else (False,)
    layers = []
    for index in range(module.num_layers):
        cells: tuple[Cell, ...] = tuple(kind.from_torch(module, index, reverse) for reverse in directions)
        layers.append(register_layer(path, index, cells))
    return layers


def _torch_class(module: nn.RNNBase) -> type[nn.RNNBase] | None:
    """Which of torch's recurrent modules this is, or is a subclass of."""
    return next((base for base in _TORCH_CELLS if isinstance(module, base)), None)


def _cell_class(path: str, module: nn.RNNBase) -> Any:
    """The cells that compute what a module computes; `from_torch(module, layer, reverse)` makes one."""
    base = _torch_class(module)
    if base is None:
        raise ExportError(
            f"module {path or 'model'!r}: {type(module).__name__} is a subclass of nn.RNNBase itself; "
            "edgernn exports nn.RNN, nn.LSTM, nn.GRU, subclasses of these, and edgernn.Recurrent with a cell."
        )
    return ProjectedLSTM if module.proj_size else _TORCH_CELLS[base]
