"""Recurrent: any cell over time, in layers, in one or both directions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from edgernn.cells import Cell, State
from edgernn.cells.backpropagated import BackpropagatedCell
from edgernn.cells.gated import GatedCell
from edgernn.errors import InputError
from edgernn.sequence import initial_states, run_layer

ResultT = TypeVar("ResultT")

# torch's fused sequence kernels, by the name that nn.RNNBase gives them.
_TORCH_KERNELS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
    "LSTM": torch.lstm,
    "GRU": torch.gru,
}


class Recurrent(nn.Module):
    """Layers of a recurrent cell over time.

    With the equations of nn.RNN, nn.LSTM and nn.GRU it runs on torch's own fused kernels. Cells with a linear
    recurrence run all steps at once, cells that bring their own gradient train several times faster than by
    autograd (`Cell.over_time`), and any other cell runs step by step.

    Args:
        cell: the first layer's forward cell, e.g. `LSTM(8, 64)`. The other layers and the backward direction
            are built like it, with weights of their own.
        num_layers: layers on top of each other.
        bidirectional: whether a second cell of each layer reads from the end to the start; its output stands
            beside the first one's, so the output has 2 × hidden features.
        dropout: probability of zeroing an element between two layers, in training only.
        batch_first: whether x and y are (batch, time, features); otherwise (time, batch, features).

    Example:
        >>> lstm = Recurrent(LSTM(8, 64), num_layers=2)
        >>> y, (h, c) = lstm(torch.randn(4, 100, 8))
        >>> y.shape, h.shape
        (torch.Size([4, 100, 64]), torch.Size([2, 4, 64]))
    """

    def __init__(
        self,
        cell: Cell,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        batch_first: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(cell, Cell):
            raise InputError(
                f"Recurrent: cell must be an edgernn.Cell such as edgernn.LSTM(8, 64), found {cell!r}."
            )
        if not isinstance(num_layers, int) or isinstance(num_layers, bool) or num_layers < 1:
            raise InputError(f"Recurrent: num_layers must be an integer ≥ 1, found {num_layers!r}.")
        if not 0.0 <= dropout < 1.0:
            raise InputError(f"Recurrent: dropout must be in [0, 1), found {dropout!r}.")
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.directions = 2 if bidirectional else 1
        self.dropout = dropout
        self.batch_first = batch_first
        self.input_size = cell.input_size
        self.hidden_size = cell.hidden_size
        self.state_names = cell.state_names
        cells = [cell]
        while len(cells) < num_layers * self.directions:
            first = len(cells) < self.directions
            cells.append(cell.like(cell.input_size if first else cell.hidden_size * self.directions))
        self.cells = nn.ModuleList(cells)

    def layer(self, index: int) -> tuple[Cell, ...]:
        """The cells of one layer: forward and, with two directions, backward."""
        start = index * self.directions
        return tuple(cast(Cell, self.cells[start + d]) for d in range(self.directions))

    def initial_state(self, batch: int) -> State:
        """The cells' initial states: (layers × directions, batch, size) each."""
        layers = [initial_states(self.layer(index), batch) for index in range(self.num_layers)]
        return tuple(torch.cat(parts) for parts in zip(*layers, strict=True))

    def forward(
        self, x: Tensor, state: State | Tensor | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run the layers over time.

        Args:
            x: (batch, time, input_size) with `batch_first`, else (time, batch, input_size).
            state: one tensor (layers × directions, batch, size) for each of the cell's states, in the order
                of `cell.state_names`; a cell with one state takes the tensor alone as well. None: the
                initial states.
            lengths: (batch,) integers: each row's own number of steps, 1 or more. Beyond it y is zero and the
                final state is the one of the row's last step. None: all rows are as long as x.

        Returns:
            y, laid out as x with directions × hidden_size features, and the final states, shaped as `state`.

        Raises:
            InputError: where a shape does not fit.
        """
        if x.dim() != 3 or x.shape[-1] != self.input_size:
            raise InputError(
                f"Recurrent: x must be 3-dimensional with {self.input_size} features in the last dimension, "
                f"found shape {tuple(x.shape)}."
            )
        if isinstance(state, Tensor):
            state = (state,)
        if state is not None and len(state) != len(self.state_names):
            raise InputError(
                f"Recurrent: state must hold {len(self.state_names)} tensors {self.state_names}, "
                f"found {len(state)}."
            )
        x_TBF = x.transpose(0, 1) if self.batch_first else x
        if not x_TBF.shape[0]:
            raise InputError(f"Recurrent: x must have at least one time step, found shape {tuple(x.shape)}.")
        if lengths is not None:
            check_lengths(lengths, batch=x_TBF.shape[1], steps=x_TBF.shape[0])
        if state is None:
            state = self.initial_state(x_TBF.shape[1])
        else:
            self._check_state(state, x_TBF.shape[1])
        y, state = (
            self._fused(x_TBF, state, lengths) if self._fuses() else self._stepped(x_TBF, state, lengths)
        )
        return (y.transpose(0, 1) if self.batch_first else y), state

    def _check_state(self, state: State, batch: int) -> None:
        """Raise InputError where a state's shape does not fit; a smaller one would be broadcast silently."""
        layers = self.num_layers * self.directions
        for name, size, part in zip(self.state_names, self.layer(0)[0].state_sizes, state, strict=True):
            if tuple(part.shape) != (layers, batch, size):
                raise InputError(
                    f"Recurrent: state {name!r} must have shape {(layers, batch, size)} "
                    f"(layers × directions, batch, size), found {tuple(part.shape)}."
                )

    def _fuses(self) -> bool:
        """Whether torch's own kernels compute all cells (they are alike, so the first one tells)."""
        cell = self.cells[0]
        if isinstance(cell, BackpropagatedCell) and torch.is_grad_enabled():
            return False  # the gradient that it brings is faster
        return isinstance(cell, GatedCell) and cell.torch_mode is not None

    def _stepped(self, x_TBF: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """Layer by layer, step by step."""
        finals: list[State] = []
        per_layer = [part.split(self.directions) for part in state]
        y = x_TBF
        for index in range(self.num_layers):
            if index and self.dropout:
                y = F.dropout(y, self.dropout, self.training)
            y, final = self.run_layer(index, y, tuple(part[index] for part in per_layer), lengths)
            finals.append(final)
        return y, tuple(torch.cat(parts) for parts in zip(*finals, strict=True))

    def run_layer(
        self, index: int, x_TBF: Tensor, state: State, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        """One layer over time, apart from the others; see `edgernn.sequence.run_layer`."""
        return run_layer(self.layer(index), x_TBF, state, lengths)

    def _fused(self, x_TBF: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """All layers in one call of torch's kernel."""
        first = cast(GatedCell, self.cells[0])
        kernel = _TORCH_KERNELS[cast(str, first.torch_mode)]
        if len(set(first.state_sizes)) > 1:
            kernel = partial(without_remark, kernel)
        weights = [weight for cell in self.cells for weight in cast(GatedCell, cell).flat_weights()]
        options: tuple[Any, ...] = (
            weights, first.bias, self.num_layers, self.dropout, self.training, self.bidirectional,
        )  # fmt: skip
        single = len(state) == 1
        if lengths is None:
            y, *final = kernel(x_TBF, state[0] if single else state, *options, False)
            return y, tuple(final)
        packed = pack_padded_sequence(x_TBF, lengths.cpu(), enforce_sorted=False)
        order, back = packed.sorted_indices, packed.unsorted_indices
        sorted_state = tuple(part[:, order] for part in state)
        hidden = sorted_state[0] if single else sorted_state
        data, *final = kernel(packed.data, packed.batch_sizes, hidden, *options)
        y, _ = pad_packed_sequence(
            PackedSequence(data, packed.batch_sizes, order, back), total_length=x_TBF.shape[0]
        )
        return y, tuple(part[:, back] for part in final)

    def extra_repr(self) -> str:
        """Arguments, for `print(module)`."""
        return f"num_layers={self.num_layers}, bidirectional={self.bidirectional}, dropout={self.dropout}"


def without_remark(kernel: Callable[..., ResultT], *arguments: Any) -> ResultT:
    """Call a kernel without torch's remark that a projection keeps it from oneDNN: nobody can act on it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
        return kernel(*arguments)


def check_lengths(lengths: Tensor, batch: int, steps: int) -> None:
    """Raise InputError where `lengths` is not one integer in 1..steps for each row."""
    integers = not lengths.is_floating_point() and lengths.dtype != torch.bool
    if lengths.dim() != 1 or lengths.shape[0] != batch or not integers:
        raise InputError(
            f"lengths: must be {batch} integers, one a row, found shape {tuple(lengths.shape)} "
            f"of {lengths.dtype}."
        )
    if int(lengths.min()) < 1 or int(lengths.max()) > steps:
        raise InputError(
            f"lengths: each must be from 1 to {steps} (the steps of x), found "
            f"{int(lengths.min())}..{int(lengths.max())}."
        )
