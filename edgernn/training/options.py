"""Options of a recipe: a frozen dataclass whose fields carry their help text and their range."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from edgernn.errors import InputError
from edgernn.training.typed import read_value, type_name

OptionsT = TypeVar("OptionsT", bound="TrainingOptions")


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """A field of an options dataclass.

    Args:
        default: its default value.
        help: one sentence for `--help`: what it is, with its unit.
        minimum, maximum: the range of a number, inclusive.
        above, below: the range of a number, exclusive.
    """
    limits = {"≥": minimum, "≤": maximum, ">": above, "<": below}
    limits = {sign: limit for sign, limit in limits.items() if limit is not None}
    return field(default=default, metadata={"help": help, "limits": limits})


@dataclass(frozen=True)
class TrainingOptions:
    """What every recipe's training can be told. A recipe adds its own options in a subclass."""

    max_epochs: int = option(100, "Most passes over the training part.", minimum=1)
    patience: int = option(15, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(32, "Samples a training step.", minimum=1)
    optimizer: Literal["adam", "adamw", "sgd"] = option(
        "adamw", "Optimiser; adamw decays weights apart from the gradient, adam and sgd (Nesterov) within it."
    )
    learning_rate: float = option(0.003, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "constant", "How the learning rate changes over training."
    )
    plateau_patience: int = option(
        5, "With schedule=plateau: epochs without a better validation loss before the rate is halved.",
        minimum=1,
    )  # fmt: skip
    weight_decay: float = option(0.0, "Weight decay (L2) of the optimiser.", minimum=0)
    gradient_clip: float = option(1.0, "Largest norm of the gradient; 0 does not clip.", minimum=0)
    freeze: tuple[str, ...] = option((), "Parameters that are not trained, by pattern, e.g. embedding*.")
    layer_decay: float = option(
        1.0, "Each layer's learning rate ÷ that of the layer above it; below 1, lower layers learn slower.",
        above=0, maximum=1,
    )  # fmt: skip
    unfreeze_every: int = option(
        0, "Epochs until the layer below learns too, from the last one down; 0: all learn at once.", minimum=0
    )
    adapters: int = option(
        0, "Finetuning: rank of what is added to the matrices, which stay; 0: they are trained.", minimum=0
    )
    adapter_scale: float = option(2.0, "What adapters add is multiplied by this.", above=0)
    precision: Literal["float32", "bfloat16", "float16"] = option(
        "float32", "Type that the training step computes in; weights stay float32. float16 needs a GPU."
    )
    threads: int | None = option(None, "CPU threads that training uses; none: torch's choice.", minimum=1)

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            for sign, limit in item.metadata.get("limits", {}).items():
                inside = value is None or {
                    "≥": value >= limit, "≤": value <= limit, ">": value > limit, "<": value < limit,
                }[sign]  # fmt: skip
                if not inside:
                    raise InputError(f"option {item.name}: must be {sign} {limit:g}, found {value!r}.")


@dataclass(frozen=True)
class OptionHelp:
    """One option, for help texts: its name, type in words, default and meaning."""

    name: str
    type: str
    default: Any
    help: str


def describe_options(kind: type[TrainingOptions]) -> list[OptionHelp]:
    """Every option of a recipe, its own ones first."""
    hints = typing.get_type_hints(kind)
    inherited = {item.name for item in fields(TrainingOptions)}
    found = [
        OptionHelp(item.name, type_name(hints[item.name]), item.default, item.metadata.get("help", ""))
        for item in fields(kind)
    ]
    return sorted(found, key=lambda item: item.name in inherited)


def read_options(kind: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
    """The options of a recipe with some values set.

    Args:
        kind: the recipe's options dataclass.
        values: by name: Python values, or text as in `--set key=value`.

    Raises:
        InputError: an unknown name (with the nearest one), a wrong type, a value out of range.
    """
    hints = typing.get_type_hints(kind)
    names = [item.name for item in fields(kind)]
    for name in values:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise InputError(f"options: unknown option {name!r}.{hint} Known options: {', '.join(names)}.")
    return kind(
        **{
            name: read_value(hints[name], value, f"option {name}", text=True)
            for name, value in values.items()
        }
    )
