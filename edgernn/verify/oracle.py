"""What a network should give: by torch itself, by the float64 reference, or by another ONNX file."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from edgernn.capture import computed_by, flatten_outputs, padded_sequences_kept, prepare
from edgernn.layers import Recurrent, without_remark
from edgernn.manifest import Manifest
from edgernn.runtime import load

States = dict[str, np.ndarray]


class Oracle(Protocol):
    """Gives the outputs of a whole sequence.

    Attributes:
        name: for the report.
        takes_states: why it cannot start from given states and tell the final ones; None where it can.
    """

    name: str
    takes_states: str | None

    def run(self, inputs: Sequence[np.ndarray], states: States | None = None) -> list[np.ndarray]:
        """The outputs, from the given states or from the initial ones."""
        ...

    def final_states(self) -> States:
        """The states after the last `run`, by the name of the graph's input."""
        ...


class TorchOracle:
    """The user's own module, run by torch as it is; states go in and come out by hooks.

    Args:
        model: the module.
        manifest: of the file that is compared with it; says which states there are.
    """

    name = "torch"

    def __init__(self, model: nn.Module, manifest: Manifest) -> None:
        self.model = copy.deepcopy(model).cpu().eval()
        self.manifest = manifest
        self._given: dict[str, tuple[Tensor, ...]] = {}
        self._final: dict[str, tuple[Tensor, ...]] = {}
        self._calls: dict[str, int] = {}
        self.takes_states: str | None = None
        other = [state.input for state in manifest.states if not state.layer]
        if other:
            self.takes_states = f"{other[0]!r} is no state that a torch module has"
        elif any(state.initial != 0.0 for state in manifest.states):
            self.takes_states = "a state starts from what comes before the input, such as a padding"
        hooked = set()
        for path, module in self.model.named_modules():
            if isinstance(module, Recurrent) or type(module) in (nn.RNN, nn.LSTM, nn.GRU):
                self._hook(path, module)
                hooked.add(path)
        others = {module_of(state.layer) for state in manifest.states if state.layer} - hooked
        if others:
            self.takes_states = f"module {min(others)!r} is a cell in a loop, or has a forward of its own"

    def _hook(self, path: str, module: nn.Module) -> None:
        argument = "state" if isinstance(module, Recurrent) else "hx"

        def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            given = self._given.get(path)
            if given is None:
                return None
            state = given[0] if len(given) == 1 and argument == "hx" else given
            # A forward that streams and yet gives a state gives zeros, in whose place these stand.
            return (args[0], state, *args[2:]), {name: kwargs[name] for name in kwargs if name != argument}

        def after(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
            final = result[1]
            self._final[path] = (final,) if isinstance(final, Tensor) else tuple(final)
            self._calls[path] = self._calls.get(path, 0) + 1
            if self._calls[path] > 1:
                self.takes_states = f"module {path!r} runs more than once in a forward"

        module.register_forward_pre_hook(before, with_kwargs=True)
        module.register_forward_hook(after, with_kwargs=True)

    def run(self, inputs: Sequence[np.ndarray], states: States | None = None) -> list[np.ndarray]:
        """The module's outputs, flattened."""
        self._given = {} if states is None else self._by_module(states)
        self._final, self._calls = {}, {}
        tensors = (torch.from_numpy(np.ascontiguousarray(array)) for array in inputs)
        with torch.no_grad():
            result = without_remark(self.model, *tensors)
        return [tensor.numpy() for _, tensor in flatten_outputs(result)]

    def _by_module(self, states: States) -> dict[str, tuple[Tensor, ...]]:
        """States by name → for each module one tensor (layers, batch, size) a state."""
        parts: dict[str, dict[str, list[Tensor]]] = {}
        for spec in self.manifest.states:
            path = module_of(spec.layer)
            parts.setdefault(path, {}).setdefault(spec.name, []).append(torch.from_numpy(states[spec.input]))
        return {
            path: tuple(torch.cat(layers) for layers in by_name.values()) for path, by_name in parts.items()
        }

    def final_states(self) -> States:
        """What the modules returned as their states."""
        found: States = {}
        seen: dict[tuple[str, str], int] = {}
        names: dict[str, list[str]] = {}
        for spec in self.manifest.states:
            order = names.setdefault(module_of(spec.layer), [])
            if spec.name not in order:
                order.append(spec.name)
        for spec in self.manifest.states:
            path = module_of(spec.layer)
            layer = seen.get((path, spec.name), 0)
            seen[path, spec.name] = layer + 1
            tensor = self._final[path][names[path].index(spec.name)]
            found[spec.input] = tensor[layer : layer + 1].numpy()
        return found


def module_of(layer: str) -> str:
    """Path of the module that a layer belongs to: "encoder.lstm.l1" → "encoder.lstm"."""
    return layer.rpartition(".")[0]


class ReferenceOracle:
    """The module with its recurrences in plain numpy float64, and everything else in torch float64.

    A cell without a numpy reference is stepped by torch in float64; the name says so.
    """

    takes_states: str | None = "the reference starts from the initial states"

    def __init__(self, model: nn.Module) -> None:
        prepared = prepare(model)
        self.layers = prepared.layers  # they must outlive the prepared module's calls
        self.model = prepared.module.double()
        without = sorted(
            {
                type(cell).__name__
                for layer in prepared.layers
                for cell in layer.cells
                if cell.reference_step() is None
            }
        )
        self.backend: Any = "torch" if without else "numpy"
        self.name = f"float64 step of {', '.join(without)}" if without else "numpy float64"

    def run(self, inputs: Sequence[np.ndarray], states: States | None = None) -> list[np.ndarray]:
        """The outputs in float64."""
        tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
        doubles = [tensor.double() if tensor.is_floating_point() else tensor for tensor in tensors]
        with torch.no_grad(), computed_by(self.backend), padded_sequences_kept():
            return [tensor.numpy() for _, tensor in flatten_outputs(self.model(*doubles))]

    def final_states(self) -> States:
        """Not told."""
        return {}


class FileOracle:
    """Another ONNX file of edgernn, a sequence graph: e.g. the float32 file of a quantized one."""

    takes_states: str | None = "a sequence file does not take states"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.session = load(path)
        self.name = Path(path).name

    def run(self, inputs: Sequence[np.ndarray], states: States | None = None) -> list[np.ndarray]:
        """The file's outputs."""
        result = self.session.run(*inputs)
        return list(result.values()) if isinstance(result, dict) else [result]

    def final_states(self) -> States:
        """Not told."""
        return {}
