"""`edgernn.export_folder`: a network of several graphs becomes a folder, each graph proven equal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.export import export
from edgernn.files import atomic_folder
from edgernn.manifest import Manifest
from edgernn.models.parts import Part, Parted
from edgernn.network_folder import NetworkFolder, write_bundle_file


def export_folder(
    model: nn.Module,
    folder: str | os.PathLike[str],
    example_inputs: Tensor | Sequence[Tensor],
    *,
    metadata: Mapping[str, object] | None = None,
    on_part: Callable[[str, Manifest], None] | None = None,
    **options: Any,
) -> NetworkFolder:
    """Write the graphs of `model` as FOLDER/NAME.onnx, and FOLDER/bundle.json; all of it or nothing.

    Args:
        model: a `edgernn.models.parts.Parted`, which says what its graphs are.
        folder: the folder to write; it may not exist, or must be empty.
        example_inputs: a tensor or a tuple of tensors, as `model.forward` takes them.
        metadata: as `edgernn.export` takes it; what a part says of itself goes before.
        on_part: told the name and the manifest of each graph once it is written and proven.
        options: further ones of `edgernn.export`, for every graph, e.g. opset, recurrence, kernels.

    Raises:
        InputError: the model is a single graph, or an argument does not fit.
        ExportError, StreamingError, ParityError: as `edgernn.export` raises them.
    """
    found = parts_of(model, example_inputs)
    assert isinstance(model, Parted)
    with atomic_folder(folder) as temporary:
        for name, part in found.items():
            about = {**(metadata or {}), **dict(part.options.get("metadata", {}))}
            arguments = {**options, **part.options, "metadata": about}
            manifest = export(part.module, temporary / f"{name}.onnx", part.example_inputs, **arguments)
            if on_part is not None:
                on_part(name, manifest)
        task = str((metadata or {}).get("task", ""))
        written = write_bundle_file(temporary, task, found, model.settings())
    return replace(written, folder=Path(folder))


def parts_of(model: nn.Module, example_inputs: Tensor | Sequence[Tensor]) -> dict[str, Part]:
    """The graphs of a network by name. Raises InputError where it is a single one."""
    if not isinstance(model, Parted):
        raise InputError(
            f"model: {type(model).__name__} is a single graph; write it to a file that ends in .onnx. A "
            "network of several graphs is a subclass of edgernn.models.parts.Parted."
        )
    examples = (example_inputs,) if isinstance(example_inputs, Tensor) else tuple(example_inputs)
    return model.parts(examples)
