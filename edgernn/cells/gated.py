"""What torch's cells share: stacked gate matrices, their initialisation, conversion from and to torch."""

from __future__ import annotations

import math
from typing import Any, ClassVar, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells.base import Cell
from edgernn.cells.operator import OnnxOperator
from edgernn.errors import InputError

GatedCellT = TypeVar("GatedCellT", bound="GatedCell")


class GatedCell(Cell):
    """A cell with `gates` stacked matrices, in torch's layout and gate order.

    Parameters: weight_ih (gates × hidden, input), weight_hh (gates × hidden, hidden), and with `bias`
    bias_ih and bias_hh (gates × hidden,). Initialised as torch does: uniform in ±1/√hidden.
    """

    gates: ClassVar[int] = 1
    onnx_op_type: ClassVar[str] = ""
    # In the order in which torch's kernels take them.
    weight_names: ClassVar[tuple[str, ...]] = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    # ONNX gate number k is gate number onnx_gate_order[k] of torch.
    onnx_gate_order: ClassVar[tuple[int, ...]] = (0,)

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True) -> None:
        super().__init__(input_size, hidden_size)
        self.bias = bias
        self._add_weights(units=hidden_size)
        self.reset_parameters()

    def _add_weights(self, units: int) -> None:
        """The parameters, not yet drawn; a cell with a projection has more units than outputs."""
        rows = self.gates * units
        self.weight_ih = nn.Parameter(torch.empty(rows, self.input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, self.hidden_size))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, nn.Parameter(torch.empty(rows)) if self.bias else None)

    def reset_parameters(self) -> None:
        """Draw new weights, uniform in ±1/√units as torch's own recurrent modules."""
        bound = 1.0 / math.sqrt(self.weight_hh.shape[0] // self.gates)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def project(self, x: Tensor) -> Tensor:
        """W_ih x + b_ih: (..., input_size) → (..., gates × hidden_size)."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    @property
    def torch_mode(self) -> str | None:
        """Name of torch's fused sequence kernel for these equations ("LSTM", …); None where it has none."""
        return self._torch_mode() if self._as_published else None

    def _torch_mode(self) -> str | None:
        return None

    def flat_weights(self) -> list[Tensor]:
        """The weights in the order torch's fused kernels take them."""
        found = (getattr(self, name) for name in self.weight_names)
        return [weight for weight in found if weight is not None]

    @classmethod
    def hidden_size_in_torch(cls, module: nn.RNNBase) -> int:
        """Features of the output of one direction of `module`."""
        return module.hidden_size

    @classmethod
    def options_from_torch(cls, module: nn.RNNBase) -> dict[str, Any]:
        """Constructor arguments (beyond the sizes) that make this cell compute what `module` computes."""
        return {"bias": module.bias}

    @classmethod
    def from_torch(
        cls: type[GatedCellT], module: nn.RNNBase, layer: int = 0, reverse: bool = False
    ) -> GatedCellT:
        """The cell of one layer and direction of nn.RNN, nn.LSTM or nn.GRU; it shares no memory with it."""
        suffix = f"l{layer}" + ("_reverse" if reverse else "")
        weight_ih = getattr(module, f"weight_ih_{suffix}", None)
        if weight_ih is None:
            raise InputError(f"{type(module).__name__} has no layer {layer}, reverse={reverse}.")
        cell = cls(weight_ih.shape[1], cls.hidden_size_in_torch(module), **cls.options_from_torch(module))
        cell.to(weight_ih.dtype)
        with torch.no_grad():
            for parameter, source in cell._matched(module, suffix):
                parameter.copy_(source)
        return cell

    def copy_to_torch(self, module: nn.RNNBase, layer: int = 0, reverse: bool = False) -> None:
        """Write this cell's weights into one layer and direction of a torch module of the same sizes."""
        suffix = f"l{layer}" + ("_reverse" if reverse else "")
        with torch.no_grad():
            for parameter, target in self._matched(module, suffix):
                target.copy_(parameter)

    def _matched(self, module: nn.RNNBase, suffix: str) -> list[tuple[Tensor, Tensor]]:
        """Pairs of this cell's weights and those of `module`; raises InputError where one has no equal."""
        own = dict(self.named_parameters())
        pairs: list[tuple[Tensor, Tensor]] = []
        for name in self.weight_names:
            ours, theirs = own.get(name), getattr(module, f"{name}_{suffix}", None)
            found, needed = ("none" if weight is None else tuple(weight.shape) for weight in (theirs, ours))
            if found != needed:
                raise InputError(
                    f"{type(module).__name__}.{name}_{suffix}: {found}, needed {needed} "
                    f"for {type(self).__name__}."
                )
            if ours is not None and theirs is not None:
                pairs.append((ours, theirs))
        if module.mode != self._torch_mode():
            raise InputError(
                f"{type(module).__name__} has other equations than {type(self).__name__}, whose weights have "
                "the same shapes by chance."
            )
        return pairs

    def onnx_operator(self) -> OnnxOperator | None:
        """The ONNX operator with this cell's weights, gates in ONNX order."""
        if not self._as_published:
            return None
        bias = None
        if self.bias_ih is not None and self.bias_hh is not None:
            bias = torch.cat([self._onnx_rows(self.bias_ih), self._onnx_rows(self.bias_hh)])
        return OnnxOperator(
            self.onnx_op_type,
            W=self._onnx_rows(self.weight_ih),
            R=self._onnx_rows(self.weight_hh),
            B=bias,
            P=self.onnx_peepholes(),
            activations=self.onnx_activations(),
            attributes=self.onnx_attributes(),
        )

    def onnx_peepholes(self) -> Tensor | None:
        """Weights from the cell state to the gates, (3 × hidden,) in ONNX order i, o, f; None without."""
        return None

    def onnx_activations(self) -> tuple[str, ...]:
        """ONNX activation names where they are not the operator's defaults."""
        return ()

    def onnx_attributes(self) -> dict[str, int]:
        """Further attributes of the ONNX node."""
        return {}

    def _onnx_rows(self, stacked: Tensor) -> Tensor:
        """Rows of gate blocks, from torch's gate order to ONNX's."""
        gates = stacked.detach().chunk(self.gates, dim=0)
        return torch.cat([gates[gate] for gate in self.onnx_gate_order], dim=0)
