"""Weights from a file, without unpickling any."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.files import existing_file


def set_weights(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Set a module's weights from a .safetensors, .pt or .pth file; nothing in the file is ever executed.

    Raises:
        InputError: another kind of file, a damaged one, or names and shapes that are not the module's.
    """
    file = existing_file(path, "weights")
    tensors, own = _read_weights(file), model.state_dict()
    problems = [f"{name} is missing" for name in own if name not in tensors]
    problems += [f"{name} is not in the model" for name in tensors if name not in own]
    problems += [
        f"{name} is {tuple(tensors[name].shape)}, the model has {tuple(own[name].shape)}"
        for name in own
        if name in tensors and tensors[name].shape != own[name].shape
    ]
    if problems:
        more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
        raise InputError(
            f"weights: {str(file)!r} does not fit {type(model).__name__}: {'; '.join(problems[:4])}{more}. "
            "Are both of the same version of the model?"
        )
    model.load_state_dict(tensors)


def _read_weights(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors: Any = load_file(file)
        except SafetensorError as error:
            raise InputError(
                f"weights: {str(file)!r} is no safetensors file, or damaged ({error})."
            ) from error
    elif file.suffix in (".pt", ".pth"):
        try:
            tensors = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise InputError(
                f"weights: {str(file)!r} holds more than tensors, or is damaged. edgernn unpickles nothing, "
                "since that would run any code in the file. Save the weights alone: "
                "torch.save(model.state_dict(), path), or safetensors.torch.save_model(model, path)."
            ) from error
    else:
        raise InputError(f"weights: {str(file)!r} must end in .safetensors, .pt or .pth.")
    if not isinstance(tensors, dict) or not all(isinstance(value, Tensor) for value in tensors.values()):
        holds = (
            f"the keys {', '.join(map(str, list(tensors)[:4]))}" if isinstance(tensors, dict) else "no dict"
        )
        raise InputError(
            f"weights: {str(file)!r} must hold a state_dict, names and tensors; it holds {holds}. Save "
            "model.state_dict() alone."
        )
    return tensors
