"""Which parameters are trained, and how fast each learns."""

from __future__ import annotations

import fnmatch
from typing import Any

from torch import nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.training.options import TrainingOptions


def freeze(model: nn.Module, patterns: tuple[str, ...]) -> None:
    """Keep the parameters whose names match one of the patterns from being trained.

    Raises:
        InputError: where a pattern matches none, or all are matched.
    """
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise InputError(
                f"option freeze: no parameter matches {pattern!r}. The parameters: {', '.join(names)}."
            )
    for name, parameter in model.named_parameters():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InputError(f"option freeze: {', '.join(patterns)} match every parameter; leave some to train.")


def layer_names(model: nn.Module) -> list[str]:
    """The layers of a network from the input to the output, by the prefix of their parameters' names.

    A layer is a child module; of `edgernn.Recurrent` and of sequential children, each of their own ones.
    """
    found: list[str] = []
    for name, child in model.named_children():
        if not any(True for _ in child.parameters()):
            continue
        if isinstance(child, Recurrent):
            found += [f"{name}.cells.{index}" for index in range(len(child.cells))]
        elif isinstance(child, nn.ModuleList):
            found += [f"{name}.{index}" for index in range(len(child))]
        else:
            found.append(name)
    return found


def parameter_groups(model: nn.Module, options: TrainingOptions) -> list[dict[str, Any]]:
    """Groups for the optimiser: the parameters that are trained, each layer with its learning rate.

    With `options.layer_decay` d, the last layer learns at the learning rate, the one before it at d times
    that, and so on. The directions of a recurrent layer count as one layer.
    """
    trained = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    if options.layer_decay == 1.0:
        return [{"params": [value for _, value in trained], "factor": 1.0}]
    depths = layer_depths(model)
    last = max(depths.values(), default=0)
    by_factor: dict[float, list[nn.Parameter]] = {}
    for name, value in trained:
        by_factor.setdefault(options.layer_decay ** (last - depth_of(name, depths)), []).append(value)
    return [{"params": values, "factor": factor} for factor, values in by_factor.items()]


def depth_of(name: str, depths: dict[str, int]) -> int:
    """Depth of a parameter's layer; what belongs to none is as deep as the last one."""
    own = (depth for prefix, depth in depths.items() if f"{name}.".startswith(f"{prefix}."))
    return max(own, default=max(depths.values(), default=0))


def layer_depths(model: nn.Module) -> dict[str, int]:
    """Depth of each of `layer_names`: directions of a recurrent layer stand side by side."""
    depths: dict[str, int] = {}
    depth = -1
    for name in layer_names(model):
        owner = model.get_submodule(name.split(".")[0])
        position = int(name.rsplit(".", 1)[1]) if "." in name else 0
        if not isinstance(owner, Recurrent) or position % owner.directions == 0:
            depth += 1
        depths[name] = depth
    return depths
