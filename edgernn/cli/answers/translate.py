"""A text a line: its translation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgernn.cli.answers import Answer
from edgernn.errors import ModelError
from edgernn.features.subwords import tokenizer_of
from edgernn.runtime import Session
from edgernn.runtime.network import Network

NEEDS_LABELS = False


@dataclass(frozen=True)
class Options:
    """Options of the search; None: as the network was scored.

    Attributes:
        beam: translations that are followed side by side.
        length_penalty: how far longer ones are preferred.
        best: how many are shown.
    """

    beam: int | None = None
    length_penalty: float | None = None
    best: int = 1


def answers(model: Network | Session, lines: Iterator[str], options: Options = Options()) -> Iterator[Answer]:
    """The best translation of each line that is not empty; a single file gives the likeliest symbols."""
    single = isinstance(model, Session)
    manifest = (model if isinstance(model, Session) else model.session("encoder")).manifest
    tokenizer = tokenizer_of(manifest.vocabulary[:-2], manifest.tokenizer)
    write = _greedy(model) if isinstance(model, Session) else _searched(model, options)
    for line in lines:
        text = line.strip()
        if not text:
            continue
        found = write(tokenizer.encode(text))
        written = [tokenizer.decode(symbols) for symbols, _ in found]
        more = [
            {"translation": said, "log_probability": probability}
            for said, (_, probability) in zip(written, found, strict=True)
        ]
        data = {"text": text, "translation": written[0]}
        yield Answer(data if single else {**data, "translations": more}, "\n".join(written))


_Write = Callable[[list[int]], list[tuple[Sequence[int], float | None]]]


def _searched(network: Network, options: Options) -> _Write:
    from edgernn.runtime.seq2seq import Seq2SeqDecoder

    decoder = Seq2SeqDecoder(network, beam=options.beam, length_penalty=options.length_penalty)

    def write(source: list[int]) -> list[tuple[Sequence[int], float | None]]:
        found = decoder.decode(source)[: max(1, options.best)]
        return [(item.symbols, item.log_probability) for item in found]

    return write


def _greedy(session: Session) -> _Write:
    names = [spec.name for spec in session.outputs]
    if names != ["symbols", "counts"]:
        raise ModelError(
            f"{str(session.path)!r}: it is a part of a network that translates, with the outputs "
            f"{', '.join(names)}. Name the folder that it stands in, or join its parts with edgernn export "
            "FOLDER -o FILE.onnx."
        )

    def write(source: list[int]) -> list[tuple[Sequence[int], float | None]]:
        found = session.run(np.array([source], np.int64), np.array([len(source)], np.int64))
        assert isinstance(found, dict)
        return [(found["symbols"][0, : int(found["counts"][0])].tolist(), None)]

    return write
