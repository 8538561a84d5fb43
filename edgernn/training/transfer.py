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
    are taken over row by row, by label.

    Args:
        model: the network that is changed.
        tensors: state_dict of the other one.
        known, now: what the other network is for, and what `model` is for.

    Raises:
        InputError: where no tensor fits: it is another kind of network.
    """
    kept, resized, new = [], [], []
    rows = [(n, known.labels.index(label)) for n, label in enumerate(now.labels) if label in known.labels]
    head = f"{layer_names(model)[-1]}."
    for name, own in model.state_dict().items():
        other = tensors.get(name)
        by_label = name.startswith(head) and known.labels != now.labels and own.shape[0] == len(now.labels)
        if other is None or own.shape[by_label:] != other.shape[by_label:] or (by_label and not rows):
            new.append(name)
        elif by_label:
            for mine, theirs in rows:
                own[mine] = other[theirs]
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
