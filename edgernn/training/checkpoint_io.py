"""Lightning checkpoints without pickle: one safetensors file, all that is no tensor as JSON in its header.

Lightning's own .ckpt is a pickle, and loading a pickle runs whatever code its writer put there. The header
holds the checkpoint's tree, where a tensor stands as {"$tensor": its name}; tuples, dicts with keys that are
no strings, and floats that JSON has no number for are marked in the same way.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError, safe_open

from edgernn.errors import InputError, ModelError
from edgernn.files import atomic_path

_HEADER_KEY = "edgernn.checkpoint"
_NOT_NUMBERS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


class SafeCheckpointIO(CheckpointIO):
    """Saves and loads Lightning's checkpoints as safetensors; refuses what it cannot keep exactly."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write `checkpoint` to `path`, atomically.

        Raises:
            InputError: where it holds something that is no tensor, number, string, list, tuple or dict.
        """
        tensors: dict[str, torch.Tensor] = {}
        tree = json.dumps(_encode(checkpoint, "checkpoint", tensors), allow_nan=False)
        with atomic_path(path) as temporary:
            safetensors.torch.save_file(tensors, temporary, metadata={_HEADER_KEY: tree})

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what `save_checkpoint` wrote; tensors come on the CPU, Lightning moves them where they belong.

        Raises:
            ModelError: where the file is not such a checkpoint, or is cut short.
        """
        try:
            with safe_open(path, framework="pt") as file:
                tree = (file.metadata() or {})[_HEADER_KEY]
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
            checkpoint: dict[str, Any] = _decode(json.loads(tree), tensors)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"checkpoint: {str(path)!r} is no checkpoint of edgernn, or is damaged ({error}). "
                "Train again."
            ) from error
        return checkpoint

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete the file, where there is one."""
        Path(path).unlink(missing_ok=True)


def _encode(value: Any, where: str, tensors: dict[str, torch.Tensor]) -> Any:
    """`value` as JSON; its tensors are put into `tensors` by their place in the tree."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, torch.Tensor):
        # A copy: safetensors refuses tensors that share memory or are not contiguous.
        tensors[where] = value.detach().cpu().contiguous().clone()
        return {"$tensor": where}
    if type(value) is list:
        return [_encode(item, f"{where}.{index}", tensors) for index, item in enumerate(value)]
    if type(value) is tuple:
        return {"$tuple": [_encode(item, f"{where}.{index}", tensors) for index, item in enumerate(value)]}
    if isinstance(value, dict):
        encoded = [(key, _encode(item, f"{where}.{key!r}", tensors)) for key, item in value.items()]
        if all(type(key) is str and not key.startswith("$") for key in value):
            return dict(encoded)
        return {"$dict": [[_encode(key, f"{where} key", tensors), item] for key, item in encoded]}
    raise InputError(
        f"{where}: a checkpoint keeps tensors, numbers, strings, lists, tuples and dicts, found "
        f"{type(value).__name__}. Convert it in the state_dict that gave it."
    )


def _decode(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """What `_encode` made JSON of."""
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    mark = next((key for key in value if key.startswith("$")), None)
    if mark is None:
        return {key: _decode(item, tensors) for key, item in value.items()}
    content = value[mark]
    if mark == "$tensor":
        return tensors[content]
    if mark == "$float":
        return _NOT_NUMBERS[content]
    if mark == "$tuple":
        return tuple(_decode(item, tensors) for item in content)
    if mark == "$dict":
        return {_decode(key, tensors): _decode(item, tensors) for key, item in content}
    raise ValueError(f"unknown mark {mark!r}")
