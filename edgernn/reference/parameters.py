"""The four parameters of a recurrent layer, and the check that they, the input and the state fit together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError
from edgernn.reference.arrays import Array, Parameters, State, as_array, as_state

_WEIGHTS = ("weight_ih", "weight_hh")
_BIASES = ("bias_ih", "bias_hh")


@dataclass(frozen=True)
class Weights:
    """A recurrent layer's parameters; the gates stand one below the other, G gates of H units.

    Attributes:
        weight_ih: from the input, (G * H, input).
        weight_hh: from the hidden state, (G * H, H).
        bias_ih: added to the input's part, (G * H,); zero where the layer has none.
        bias_hh: added to the hidden state's part, (G * H,); zero where the layer has none.
    """

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array
    bias_hh: Array

    @property
    def hidden_size(self) -> int:
        """H, the units of the hidden state."""
        return int(self.weight_hh.shape[1])


def read_weights(parameters: Parameters, gates: int) -> Weights:
    """The parameters of a layer with that many gates, checked.

    Raises:
        InputError: a weight is missing, a name is unknown, or a shape does not fit the others.
    """
    missing = [name for name in _WEIGHTS if name not in parameters]
    unknown = [name for name in parameters if name not in _WEIGHTS + _BIASES]
    if missing or unknown:
        raise InputError(
            f"parameters: found {', '.join(parameters) or 'none'}; needed are {', '.join(_WEIGHTS)}, "
            f"allowed also {', '.join(_BIASES)}."
        )
    weight_hh = as_array("weight_hh", parameters["weight_hh"], (f"{gates} * hidden", "hidden"))
    hidden = weight_hh.shape[1]
    rows = gates * hidden
    weight_hh = as_array("weight_hh", weight_hh, (rows, hidden))
    biases = [as_array(name, parameters.get(name, np.zeros(rows)), (rows,)) for name in _BIASES]
    return Weights(
        weight_ih=as_array("weight_ih", parameters["weight_ih"], (rows, "input")),
        weight_hh=weight_hh,
        bias_ih=biases[0],
        bias_hh=biases[1],
    )


def read_step(
    parameters: Parameters, x: npt.ArrayLike, state: State, *, gates: int, states: int
) -> tuple[Weights, Array, State]:
    """The arguments of one step, checked: the weights, x (batch, input), and each state (batch, hidden).

    Raises:
        InputError: an argument does not fit the others; the message names it.
    """
    weights = read_weights(parameters, gates)
    x = as_array("x", x, ("batch", weights.weight_ih.shape[1]))
    return weights, x, as_state("state", state, [(x.shape[0], weights.hidden_size)] * states)
