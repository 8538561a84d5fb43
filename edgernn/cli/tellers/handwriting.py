"""What was read of handwriting: the character or the text; of a stream also what it was taken for before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.ctc import CTCDecoder
from edgernn.errors import ModelError

if TYPE_CHECKING:
    from edgernn.runtime import Session

# Characters that are told with their probabilities.
_TOLD = 3


class Teller:
    """The character that probabilities name, or the text of a CTC network's output.

    Args:
        session: a model of the task: it has labels, or a vocabulary that begins with the blank.
        hop: not used; a pen's points have no rate.

    Raises:
        ModelError: where its outputs, labels or vocabulary are not a reader's.
    """

    def __init__(self, session: Session, hop: float) -> None:
        manifest = session.manifest
        self._labels = manifest.labels
        if len(session.outputs) != 1 or max(len(manifest.labels), len(manifest.vocabulary)) < 2:
            raise ModelError(
                f"model: its task is {manifest.task}, but it has {len(session.outputs)} outputs, "
                f"{len(manifest.labels)} labels and a vocabulary of {len(manifest.vocabulary)}; expected one "
                "output and one of these. Export it again."
            )
        self._decoder = None if manifest.labels else CTCDecoder(manifest.vocabulary)
        self._streams, self._hop = manifest.streaming, session.outputs[0].hop
        self._steps, self._before = 0, ""
        self._last: Array | None = None

    def push(self, outputs: dict[str, Array]) -> list[dict[str, Any]]:
        """What the writing is taken for by now, where that changed; of a text what is certain."""
        (values,) = (array[0] for array in outputs.values())
        said = [self._step(step[None]) for step in np.atleast_2d(values)]
        return [item for item in said if item is not None and self._streams]

    def finish(self) -> list[dict[str, Any]]:
        """The character with its probability and the next likely ones, or the text."""
        last, self._last = self._last, None
        self._steps, self._before = 0, ""
        if self._decoder is not None:
            return [{"text": self._decoder.finish()}]
        if last is None:
            return []
        ranks = (-last).argsort(kind="stable")[:_TOLD]
        likely = {self._labels[n]: round(float(last[n]), 4) for n in ranks}
        return [{"character": self._labels[ranks[0]], "probabilities": likely}]

    def line(self, said: dict[str, Any]) -> str:
        """It for people."""
        if "points" in said:
            return f"{said['points']:6d} points  {said['partial']} …"
        if "text" in said:
            return str(said["text"]) or "Nothing was read."
        likely = ", ".join(f"{name} {share:.1%}" for name, share in said["probabilities"].items())
        return f"{said['character']}   ({likely})"

    def whole(self, said: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
        """The answer, and of a stream those on the way."""
        partial = [item for item in said if "points" in item]
        answer = dict(said[-1]) if said else {}
        lines = [self.line(item) for item in said]
        return {**answer, **({"partial": partial} if self._streams else {})}, lines

    def _step(self, values: Array) -> dict[str, Any] | None:
        self._steps += 1
        if self._decoder is not None:
            found = self._decoder.push(values)
        else:
            self._last = values[0]
            found = self._labels[int(values[0].argmax())]
        if found == self._before:
            return None
        self._before = found
        return {"points": self._steps * self._hop, "partial": found}
