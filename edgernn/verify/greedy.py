"""Whether a graph that writes by itself takes the likeliest symbol each time, by what its network gives."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from edgernn.errors import InputError
from edgernn.models import Seq2Seq
from edgernn.network_folder import is_network_folder
from edgernn.runtime import Session
from edgernn.runtime.network import Network, load_network
from edgernn.verify.precision import computed_in
from edgernn.verify.report import Check, ParityReport, output_scale
from edgernn.verify.tolerances import tolerance

Array = np.ndarray

# Rows and places of the sources that are written for.
_SIZES = ((1, 1), (1, 7), (3, 12), (2, 4))


@dataclass(frozen=True)
class Writer:
    """A network that scores what is written.

    Attributes:
        name: for the report.
        start, end, longest: symbols in front of what is written and behind it, and how many there may be.
        scores: (source, lengths, target behind its start) → log-probabilities (batch, time, symbols).
    """

    name: str
    start: int
    end: int
    longest: int
    scores: Callable[[Array, Array, Array], Array]


def writes_by_itself(session: Session) -> bool:
    """Whether a file is one of `edgernn.export_greedy`."""
    return [spec.name for spec in session.outputs] == ["symbols", "counts"]


def verify_greedy(
    source: nn.Module | str | os.PathLike[str],
    session: Session,
    examples: Sequence[Array] | None,
    seed: int,
) -> ParityReport:
    """Write for random sources and for the example's, and hold every symbol against the network's scores.

    A symbol passes where no other is likelier by more than the tolerance. Behind the end there may be ends
    alone, and a row without one must be as long as rows can be.

    Raises:
        InputError: the source is no `Seq2Seq` and no network folder of one.
    """
    writer = _writer(source)
    scheme = session.manifest.scheme
    allowed = tolerance(computed_in(session), scheme)
    symbols = session.inputs[0]
    low, high = int(symbols.minimum or 0), int(symbols.maximum or 1)
    random = np.random.default_rng(seed)
    sources = [
        (random.integers(low, high + 1, size), random.integers(1, size[1] + 1, size[0])) for size in _SIZES
    ]
    if examples is not None:
        sources.append((examples[0], examples[1]))
    checks: list[Check] = []
    for numbers, lengths in sources:
        numbers, lengths = numbers.astype(np.int64), lengths.astype(np.int64)
        lengths[0] = numbers.shape[1]
        found = session.run(numbers, lengths)
        assert isinstance(found, dict)
        written, counts = found["symbols"], found["counts"]
        size = f"batch {len(numbers)}, {numbers.shape[1]} places"
        checks.append(_shape_check(writer, written, counts, size))
        start = np.full((len(numbers), 1), writer.start, np.int64)
        scores = writer.scores(numbers, lengths, np.concatenate([start, written[:, :-1]], axis=1))
        gaps = scores.max(-1) - np.take_along_axis(scores, written[..., None], -1)[..., 0]
        # The end counts too, what fills a row up behind it does not.
        inside = np.arange(written.shape[1]) <= counts[:, None]
        worst = float(gaps[inside].max())
        relative = worst / output_scale(scores)
        checks.append(
            Check(
                f"the likeliest by {writer.name}", size, worst, relative, allowed, bool(relative <= allowed)
            )
        )
    return ParityReport(str(session.path), tuple(checks), provider=session.provider)


def _shape_check(writer: Writer, written: Array, counts: Array, size: str) -> Check:
    steps = np.arange(written.shape[1])
    ended = written == writer.end
    behind = steps >= counts[:, None]
    right = bool((ended == behind).all()) and bool(
        ((counts < written.shape[1]) | (written.shape[1] == writer.longest)).all()
    )
    # Somebody writes to the last step.
    right = right and written.shape[1] == min(writer.longest, int(counts.max()) + 1)
    return Check("rows end where they say", size, float(not right), float(not right), 0.0, right)


def _writer(source: nn.Module | str | os.PathLike[str]) -> Writer:
    if isinstance(source, Seq2Seq):
        return _torch_writer(source)
    if not isinstance(source, nn.Module) and is_network_folder(source):
        return _folder_writer(load_network(source))
    raise InputError(
        "source: the file writes by itself; compare it with the run or the network folder that it was made "
        "of."
    )


def _torch_writer(model: Seq2Seq) -> Writer:
    def scores(*arrays: Array) -> Array:
        with torch.inference_mode():
            found: Array = model(*(torch.from_numpy(array) for array in arrays)).numpy()
        return found

    return Writer("torch", model.start, model.end, model.longest, scores)


def _folder_writer(network: Network) -> Writer:
    encoder, decoder = network.session("encoder"), network.session("decoder")

    def scores(source: Array, lengths: Array, target: Array) -> Array:
        read: Any = encoder.run(source, lengths)
        given: Any = decoder.stream(len(source)).push(target, *read.values(), lengths)
        found: Array = given["log_probabilities"]
        return found

    start, end, longest = (int(network.settings[name]) for name in ("start", "end", "longest"))
    return Writer("the decoder's steps", start, end, longest, scores)
