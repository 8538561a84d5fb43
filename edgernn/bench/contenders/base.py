"""What takes part in a measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

EDGERNN, BY_HAND, DEFAULT_PATH, EAGER = "edgernn", "by hand", "default path", "torch eager"


@dataclass(frozen=True)
class Contender:
    """One way to run a network.

    Attributes:
        name: short and unique among those it races with.
        description: what it does, in words.
        call: one call, on the inputs as numpy arrays; a streaming way carries its states to the next call.
            It is timed as it is, so nothing but the way itself belongs in it.
        outputs: what `call` gave, as a list of arrays in the manifest's order.
        reset: takes the states back to the initial ones.
        exact: whether its weights are unrounded, so that its outputs are those of the float32 network.
        streams: how many streams one call serves; times are divided by it.
        file_bytes: size of the file it runs; None where it runs none.
    """

    name: str
    description: str
    call: Callable[..., Any]
    outputs: Callable[[Any], list[Array]]
    reset: Callable[[], None]
    exact: bool = True
    streams: int = 1
    file_bytes: int | None = None


def nothing() -> None:
    """The reset of a way without states."""


def as_list(result: Array | dict[str, Array]) -> list[Array]:
    """What `Stream.push` and `Session.run` give, as copies in a list."""
    arrays = list(result.values()) if isinstance(result, dict) else [result]
    return [np.array(array) for array in arrays]
