"""torch itself, step by step, with the states carried by hand."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.bench.contenders.base import EAGER, Array, Contender, nothing
from edgernn.bench.contenders.carried import Carried, refuse_other_states
from edgernn.capture import flatten_outputs
from edgernn.manifest import Manifest


def eager_contender(model: nn.Module, manifest: Manifest, inputs: Sequence[Array], batch: int) -> Contender:
    """Run `model` in torch, arrays in and tensors out.

    Args:
        model: the torch module that the file of `manifest` was made from.
        manifest: says whether to carry states.
        inputs: arrays of one call, to try it.
        batch: rows of the inputs.

    Raises:
        ExportError: where its states cannot be carried from call to call, with the reason.
    """
    count = len(manifest.outputs)
    if not manifest.streaming:
        model = copy.deepcopy(model).cpu().eval()

        @torch.inference_mode()
        def run(*arrays: Array) -> Any:
            return model(*map(torch.from_numpy, arrays))

        return Contender(
            EAGER,
            "the module's forward in torch",
            run,
            lambda result: [tensor.numpy() for _, tensor in flatten_outputs(result)][:count],
            nothing,
        )
    refuse_other_states(manifest)
    carried = Carried(model, len(manifest.inputs))
    initial = carried.initial_states(batch)
    with torch.inference_mode():
        carried(*map(torch.from_numpy, inputs), *initial)
    states: list[Tensor] = list(initial)

    @torch.inference_mode()
    def step(*arrays: Array) -> Any:
        results = carried(*map(torch.from_numpy, arrays), *states)
        states[:] = results[count:]
        return results

    def reset() -> None:
        states[:] = initial

    return Contender(
        EAGER,
        "the module's forward in torch, states carried by hand",
        step,
        lambda results: [tensor.numpy() for tensor in results[:count]],
        reset,
    )
