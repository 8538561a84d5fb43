"""Taking over what another network learned, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.training.parameter_groups import layer_names
from edgernn.training.recipe import Metadata


@dataclass(frozen=True)
class Transfer:
    """What became of each tensor of the network.

    Attributes:
        kept: taken over whole.
        resized: taken over for the labels that both networks know, and as it was for the others.
        new: as it was.
    """

    kept: tuple[str, ...]
    resized: tuple[str, ...]
    new: tuple[str, ...]


@torch.no_grad()
def transfer(model: nn.Module, tensors: Mapping[str, Tensor], known: Metadata, now: Metadata) -> Transfer:
    """Set a network's weights and buffers from those of another one, where they fit.

    Tensors of the same name and shape are taken over whole. Where the labels differ, those of the last layer
    (see `label_dims`) are taken over row by row, by label.

    Args:
        model: the network that is changed.
        tensors: state_dict of the other one.
        known, now: what the other network is for, and what `model` is for.

    Raises:
        InputError: where no tensor fits: it is another kind of network.
    """
    kept, resized, new = [], [], []
    shared = [(n, known.labels.index(label)) for n, label in enumerate(now.labels) if label in known.labels]
    dims = label_dims(model, len(now.labels)) if known.labels != now.labels else {}
    for name, own in model.state_dict().items():
        other, count = tensors.get(name), dims.get(name, 0)
        if other is None or own.shape[count:] != other.shape[count:] or (count and not shared):
            new.append(name)
        elif count:
            mine, theirs = (torch.tensor(places) for places in zip(*shared, strict=True))
            own[_grid(mine, count)] = other[_grid(theirs, count)]
            resized.append(name)
        else:
            own.copy_(other)
            kept.append(name)
    if not kept:
        raise InputError(
            "from: no tensor of the run fits the network of these options. Finetune with the recipe and the "
            "sizes that it was trained with."
        )
    return Transfer(tuple(kept), tuple(resized), tuple(new))


def label_dims(model: nn.Module, labels: int) -> dict[str, int]:
    """How many of the first dimensions of which weights are the labels.

    A network says so itself by an attribute `label_dims`; of others it is the last layer's first dimension.
    """
    declared: dict[str, int] | None = getattr(model, "label_dims", None)
    if declared is not None:
        return declared
    head = f"{layer_names(model)[-1]}."
    tensors = model.state_dict().items()
    return {name: 1 for name, value in tensors if name.startswith(head) and value.shape[:1] == (labels,)}


def _grid(places: Tensor, dims: int) -> tuple[Tensor, ...]:
    """An index of these places in each of the first dimensions."""
    return torch.meshgrid(*[places] * dims, indexing="ij")
