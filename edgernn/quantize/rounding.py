"""A scheme's rounding of a single weight: for training that feels it (quantization-aware training)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx_ir as ir

from edgernn.errors import InputError
from edgernn.quantize.request import settle_options
from edgernn.quantize.weights import SMALLEST, Weight

RoundWeight = Callable[[np.ndarray, int], np.ndarray]


def weight_rounding(
    scheme: str, schemes: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> RoundWeight:
    """What a file of `scheme` would hold in place of a weight.

    Args:
        scheme: a name among `schemes` whose module has `storage_of(weight, size, options)`.
        schemes: the schemes' modules by name.
        options: of the scheme.

    Returns:
        A function (weight, elements) → weight. The weight is (channels, …), float32, and each channel has a
        scale of its own; `elements` counts what is stored with it, as small weights stay as they are.

    Raises:
        InputError: where the scheme rounds no weights, with those that do.
    """
    able = [name for name, module in schemes.items() if hasattr(module, "storage_of")]
    if scheme not in able:
        raise InputError(f"scheme: {scheme!r} does not round weights one by one; use one of {able}.")
    module = schemes[scheme]
    settled = settle_options(options, getattr(module, "OPTIONS", {}), scheme)

    def round_weight(array: np.ndarray, elements: int) -> np.ndarray:
        if elements < SMALLEST:
            return array
        value = ir.val("weight", const_value=ir.tensor(np.ascontiguousarray(array, np.float32)))
        weight = Weight(value, (), tuple(range(1, array.ndim)))
        rounded: np.ndarray = module.storage_of(weight, elements, settled).encode(weight)[1]
        return rounded

    return round_weight
