"""The first outputs of a stream, which stand for no input yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli.arrays import Array

if TYPE_CHECKING:
    from edgernn.manifest import TensorSpec


class DelayedOutputs:
    """Drops, of every output, the steps that come before its first one.

    A model that looks ahead answers some steps late; what it gives until then is to be dropped.

    Args:
        outputs: the model's outputs.
        fresh: whether the stream starts at its initial states; one that goes on is past its first outputs.
    """

    def __init__(self, outputs: Sequence[TensorSpec], fresh: bool) -> None:
        self._outputs = outputs
        self._left = {spec.name: spec.delay if fresh else 0 for spec in outputs}

    def cut(self, results: dict[str, Array]) -> dict[str, Array]:
        """The outputs of the next push without what is to be dropped; their time may be empty."""
        kept = dict(results)
        for spec in self._outputs:
            left = self._left[spec.name]
            if spec.time_dim is None or not left:
                continue
            steps = results[spec.name].shape[spec.time_dim]
            dropped = min(left, steps)
            self._left[spec.name] = left - dropped
            kept[spec.name] = np.take(results[spec.name], range(dropped, steps), axis=spec.time_dim)
        return kept
