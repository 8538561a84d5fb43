"""Encoder, attention and decoder on a device: the best target by beam search, on numpy and onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgernn.beam import BeamSearch, Hypothesis
from edgernn.errors import InputError, ModelError
from edgernn.runtime.arrays import Array
from edgernn.runtime.network import Network, load_network
from edgernn.runtime.stream import Stream

# What the decoder reads of the encoder's outputs, in the order of its inputs.
_READ = ("memory", "keys", "summary")
_SETTINGS = ("start", "end", "longest", "beam", "length_penalty")


@dataclass(frozen=True)
class _State:
    """A stream, and the inputs that each of its rows is given again with every symbol."""

    stream: Stream
    read: tuple[Array, ...]


class Seq2SeqDecoder:
    """Writes targets with a network folder of an encoder and a decoder.

    Args:
        network: the folder, or the network loaded from it.
        beam: targets that are followed side by side; None: as the network was scored.
        length_penalty: how far longer targets are preferred, see `edgernn.beam`; None: likewise.
        longest: most symbols of a target; None: likewise.

    Raises:
        InputError: an argument out of range.
        ModelError: a folder of another kind.

    Example:
        >>> decoder = Seq2SeqDecoder("translator")  # doctest: +SKIP
        >>> decoder.decode([17, 4, 230])[0].symbols  # doctest: +SKIP
        (12, 9, 77)
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        *,
        beam: int | None = None,
        length_penalty: float | None = None,
        longest: int | None = None,
    ) -> None:
        self.network = network if isinstance(network, Network) else load_network(network)
        self.encoder, self.decoder = self.network.session("encoder"), self.network.session("decoder")
        settings = self.network.settings
        fits = (
            [spec.name for spec in self.encoder.inputs] == ["source", "lengths"]
            and [spec.name for spec in self.encoder.outputs] == list(_READ)
            and [spec.name for spec in self.decoder.inputs] == ["target", *_READ, "lengths"]
            and [spec.name for spec in self.decoder.outputs] == ["log_probabilities", "weights"]
            and self.decoder.manifest.streaming
            and all(isinstance(settings.get(name), int | float) for name in _SETTINGS)
        )
        if not fits:
            raise ModelError(
                f"{str(self.network.folder)!r}: it is no encoder and decoder that write symbols. Export a "
                "run of the recipe translate into a folder."
            )
        self.symbols = int(self.decoder.outputs[0].dims[-1])
        self.search: BeamSearch[_State] = BeamSearch(
            int(settings["start"]),
            int(settings["end"]),
            int(settings["beam"]) if beam is None else beam,
            length_penalty=float(settings["length_penalty"]) if length_penalty is None else length_penalty,
            longest=int(settings["longest"]) if longest is None else longest,
        )

    def decode(self, source: Sequence[int]) -> list[Hypothesis]:
        """The best targets, best first.

        Args:
            source: numbers of symbols, one or more.

        Raises:
            InputError: where there is no symbol, or one that the network does not know.
        """
        symbols = np.array([list(source)], np.int64)
        if not symbols.size or symbols.min() < 0 or symbols.max() >= self.symbols:
            raise InputError(
                f"source: must be one or more numbers from 0 to {self.symbols - 1}, found "
                f"{'none' if not symbols.size else f'{symbols.min()} to {symbols.max()}'}."
            )
        lengths = np.array([symbols.shape[1]], np.int64)
        found = self.encoder.run(symbols, lengths)
        assert isinstance(found, dict)
        read = tuple(found[name] for name in _READ)
        return self.search.search(_State(self.decoder.stream(), (*read, lengths)), self._advance)

    def _advance(self, state: _State, rows: Any, symbols: Any) -> tuple[Array, _State]:
        stream = state.stream.picked(rows)
        read = tuple(np.repeat(array[:1], len(rows), axis=0) for array in state.read)
        scores = stream.push(symbols[:, None], *read)
        assert isinstance(scores, dict)
        return scores["log_probabilities"][:, 0], _State(stream, read)
