"""The default path: what a user does today without edgernn.

`torch.onnx.export` of the module with its states as inputs and outputs at the sizes it will run with (the
exporter's own default, and the kindest to it), then onnxruntime by hand.
"""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from torch import nn

from edgernn.bench.contenders.base import DEFAULT_PATH, Array, Contender
from edgernn.bench.contenders.carried import Carried, refuse_other_states
from edgernn.bench.contenders.plain import plain_contender, start_plain
from edgernn.errors import ExportError
from edgernn.manifest import Manifest


def default_path_contender(
    model: nn.Module,
    manifest: Manifest,
    inputs: Sequence[Array],
    path: Path,
    *,
    batch: int,
    provider: str = "cpu",
    threads: int = 1,
) -> Contender:
    """Export `model` to `path` the usual way and run it by hand.

    Args:
        model: the torch module that the file of `manifest` was made from.
        manifest: says whether to carry states.
        inputs: arrays of the sizes to run with.
        path: the file to write.
        batch: rows of the inputs.
        provider, threads: as in `edgernn.load`.

    Raises:
        ExportError: where the module cannot be exported that way, with the reason.
    """
    refuse_other_states(manifest)
    if manifest.streaming:
        carried = Carried(model, len(inputs))
        module, states = cast(nn.Module, carried), carried.initial_states(batch)
    else:
        module, states = copy.deepcopy(model).cpu().eval(), []
    data = [f"input_{index}" for index in range(len(inputs))]
    outputs = [f"output_{index}" for index in range(len(manifest.outputs))]
    before, after = ([f"state_{index}_{side}" for index in range(len(states))] for side in ("in", "out"))
    arguments = (*(torch.from_numpy(array) for array in inputs), *states)
    write_as_torch_does(module, arguments, path, [*data, *before], [*outputs, *after])
    return plain_contender(
        DEFAULT_PATH,
        "torch.onnx.export with states as inputs and outputs, session.run by hand",
        start_plain(path, provider, threads),
        (data, outputs),
        list(zip(before, after, (state.numpy() for state in states), strict=True)),
        file_bytes=path.stat().st_size,
    )


def write_as_torch_does(
    module: nn.Module,
    arguments: tuple[torch.Tensor, ...],
    path: Path,
    input_names: Sequence[str],
    output_names: Sequence[str],
) -> None:
    """`torch.onnx.export` as it comes. Raises ExportError with torch's reason."""
    # torch's exporter warns of its own internals and logs that torchvision is not installed.
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                module, arguments, path, dynamo=True, verbose=False, external_data=False,
                input_names=input_names, output_names=output_names,
            )  # fmt: skip
        except Exception as error:
            reason = str(error.__cause__ or error).strip().split("\n\n")[0]
            raise ExportError(f"torch.onnx.export of {type(module).__name__} fails: {reason}") from error
        finally:
            logger.setLevel(level)
