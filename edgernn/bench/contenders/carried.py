"""A torch module as a function of its inputs and states: what people write before they export a stream."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.capture import flatten_outputs
from edgernn.errors import ExportError
from edgernn.layers import Recurrent
from edgernn.manifest import Manifest


def refuse_other_states(manifest: Manifest) -> None:
    """Raise ExportError where a stream has states that no recurrent module of torch holds."""
    others = [state.input for state in manifest.states if not state.layer]
    if others:
        raise ExportError(
            f"the stream has states besides those of recurrent layers ({', '.join(others)}); nothing carries "
            "them but edgernn."
        )


class _Tape:
    """Where states wait on their way between `Carried.forward` and the recurrent modules.

    An object of its own because tracing refuses tensors in a module's attributes.
    """

    def __init__(self) -> None:
        self.given: dict[str, tuple[Tensor, ...]] = {}
        self.left: dict[str, tuple[Tensor, ...]] = {}


class Carried(nn.Module):
    """A copy of a module whose recurrent states are arguments and results of its forward.

    `forward(*inputs, *states)` gives the module's outputs, flattened, and then the new states. The states are
    those of every nn.RNN, nn.LSTM, nn.GRU and Recurrent inside, in the order of `named_modules`.

    Args:
        model: the module.
        inputs: how many inputs its forward takes.

    Raises:
        ExportError: where a recurrent module is not one that can carry its states.
    """

    def __init__(self, model: nn.Module, inputs: int) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().eval()
        self._inputs = inputs
        self._modules_with_state: list[tuple[str, nn.Module]] = []
        self._tape = _Tape()
        for path, module in self.model.named_modules():
            if isinstance(module, nn.RNNBase | Recurrent):
                if module.bidirectional:
                    raise ExportError(f"module {path!r} reads backwards: it has no state to carry.")
                self._modules_with_state.append((path, module))
                module.forward = self._with_states(path, module.forward)  # type: ignore[method-assign]

    def initial_states(self, batch: int) -> list[Tensor]:
        """The states before the first chunk: (layers, batch, hidden) each."""
        found: list[Tensor] = []
        for _, module in self._modules_with_state:
            if isinstance(module, Recurrent):
                found.extend(part.detach().clone() for part in module.initial_state(batch))
            elif isinstance(module, nn.RNNBase):
                count = 2 if isinstance(module, nn.LSTM) else 1
                found.extend(torch.zeros(module.num_layers, batch, module.hidden_size) for _ in range(count))
        return found

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        inputs, states = tensors[: self._inputs], list(tensors[self._inputs :])
        tape = self._tape
        tape.left = {}
        for path, module in self._modules_with_state:
            count = (
                len(module.state_names) if isinstance(module, Recurrent) else 1 + isinstance(module, nn.LSTM)
            )
            tape.given[path] = tuple(states[:count])
            del states[:count]
        outputs = [tensor for _, tensor in flatten_outputs(self.model(*inputs))]
        missing = [path for path, _ in self._modules_with_state if path not in tape.left]
        if missing:
            raise ExportError(f"module {missing[0]!r} is not called by the forward.")
        finals = [part for path, _ in self._modules_with_state for part in tape.left[path]]
        tape.given, tape.left = {}, {}
        return (*outputs, *finals)

    def _with_states(self, path: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        tape = self._tape

        def stateful(x: Tensor, state: Any = None, *others: Any, **named: Any) -> Any:
            if state is not None or others or any(value is not None for value in named.values()):
                raise ExportError(f"module {path!r} is called with a state or lengths of the forward's own.")
            if path in tape.left:
                raise ExportError(f"module {path!r} is called twice; its states would mix.")
            given = tape.given[path]
            y, final = forward(x, given if len(given) > 1 else given[0])
            tape.left[path] = (final,) if isinstance(final, Tensor) else tuple(final)
            return y, final

        return stateful
