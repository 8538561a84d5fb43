"""What is explained, as the network takes it, with names for its time steps and features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edgernn.errors import InputError
from edgernn.features.symbols import Symbols, words

if TYPE_CHECKING:
    from edgernn.training import Run


@dataclass(frozen=True, eq=False)
class Explained:
    """One input.

    Attributes:
        tensor: (1, time) numbers of symbols, or (1, time, features) values.
        told: what it is, in words.
        steps: a name for each time step.
        features: a name for each feature.
        unit: of the values.
    """

    tensor: Tensor
    told: str
    steps: tuple[str, ...]
    features: tuple[str, ...]
    unit: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the steps are symbols."""
        return self.tensor.dim() == 2


def read_input(run: Run, given: str | np.ndarray | None) -> Explained:
    """The input as the run's network takes it; None is the first of the run's examples.

    Raises:
        InputError: where it does not fit the network.
    """
    examples = run.example_inputs()
    if len(examples) != 1:
        raise InputError(f"run: its network takes {len(examples)} inputs; one is explained.")
    (example,) = examples
    if not example.is_floating_point():
        if not run.config.metadata.vocabulary or example.dim() != 2:
            raise InputError("run: its network takes integers that are no symbols of a vocabulary.")
        return _symbols(run, given, example)
    if example.dim() != 3:
        raise InputError(
            f"run: its network takes values of shape {tuple(example.shape)}; those of (batch, time, "
            "features) are explained."
        )
    return _values(run, given, example)


def _symbols(run: Run, given: str | np.ndarray | None, example: Tensor) -> Explained:
    symbols = Symbols(run.config.metadata.vocabulary)
    if given is None:
        numbers = example[0][: int((example[0] != 0).nonzero().max()) + 1].tolist()
        names = tuple(symbols.vocabulary[number] for number in numbers)
        return Explained(torch.tensor([numbers]), "the run's example", names, ("symbol",))
    if not isinstance(given, str) or not given.strip():
        raise InputError("input: a network of symbols takes a text that is not empty.")
    numbers = symbols.encode(given)
    names = tuple(map(_byte_name, given.encode("utf-8")) if symbols.bytes else words(given))
    if not names:
        raise InputError(f"input: {given!r} holds no word.")
    return Explained(torch.tensor([numbers]), repr(given), names, ("symbol",))


def _byte_name(value: int) -> str:
    letter = chr(value)
    return letter if value < 128 and letter.isprintable() and not letter.isspace() else f"{value:02X}"


def _values(run: Run, given: str | np.ndarray | None, example: Tensor) -> Explained:
    features, about = example.shape[2], run.config.metadata
    if isinstance(given, str):
        raise InputError("input: a network of values takes an array (time, features), found a text.")
    if given is None:
        tensor, told = example[:1], "the run's example"
    else:
        values = np.asarray(given, dtype=np.float32)
        if values.ndim == 3 and len(values) == 1:
            values = values[0]
        if values.ndim != 2 or values.shape[1] != features or not len(values):
            raise InputError(
                f"input: must be (time, {features}) with at least one time step, found {values.shape}."
            )
        if not np.isfinite(values).all():
            raise InputError("input: holds NaN or infinity; fill or remove these values.")
        tensor, told = torch.from_numpy(values)[None], f"{len(values)} time steps"
    names = about.features if len(about.features) == features else tuple(map(str, range(features)))
    steps = tuple(map(str, range(tensor.shape[1])))
    return Explained(tensor, told, steps, names, about.input_unit)
