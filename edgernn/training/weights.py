"""Tensors of a run folder in safetensors files."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from edgernn.errors import ModelError
from edgernn.files import atomic_path


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write named tensors to a safetensors file, atomically."""
    # Copies: safetensors refuses tensors that share memory or are not contiguous.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        safetensors.torch.save_file(copies, temporary)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read named tensors, to the CPU; raises ModelError where the file is missing or damaged."""
    if not path.is_file():
        raise ModelError(
            f"run: {str(path)!r} is missing. Was training stopped in its first epoch? Train again."
        )
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"run: {str(path)!r} is damaged ({error}). Train again.") from error


def load_weights(model: nn.Module, path: Path) -> None:
    """Set a network's weights from a file.

    Raises:
        ModelError: where the file is missing or damaged, or its names and shapes are not the network's own.
    """
    tensors, own = load_tensors(path), model.state_dict()
    problems = [f"{name} is missing" for name in own if name not in tensors]
    problems += [f"{name} is not in the network" for name in tensors if name not in own]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, the network has {tuple(own[name].shape)}"
        for name in own
        if name in tensors and tensors[name].shape != own[name].shape
    ]
    if problems:
        raise ModelError(
            f"run: the weights in {str(path)!r} do not fit the network of its config: "
            f"{'; '.join(problems[:3])}{' …' if len(problems) > 3 else ''}. Are both files of the same run?"
        )
    model.load_state_dict(tensors)
