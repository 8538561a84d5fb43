"""Seq2Seq: from one sequence of symbols to another, by an encoder, attention and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.cells import State
from edgernn.layers import Recurrent
from edgernn.models.attention import attention_type
from edgernn.models.named import cell_type, check_sizes
from edgernn.models.parts import Part, Parted


class Encoder(nn.Module):
    """Reads the source in both directions.

    Args:
        embedding: of the symbols.
        cell, hidden_size, num_layers, dropout: of the recurrent layers.
    """

    def __init__(
        self, embedding: nn.Embedding, cell: str, hidden_size: int, num_layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Recurrent(
            cell_type(cell)(embedding.embedding_dim, hidden_size),
            num_layers,
            bidirectional=True,
            dropout=dropout,
        )
        self.summary = nn.Linear(2 * hidden_size, hidden_size)

    def forward(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Read the source.

        Args:
            source: (batch, places) integers: numbers of symbols; beyond a row's length they do not count.
            lengths: (batch,) integers: places of each row, from 1.

        Returns:
            The memory, (batch, places, 2 · hidden), and a summary, (batch, hidden).
        """
        memory, _ = self.recurrent(self.dropout(self.embedding(source)), None, lengths)
        # Beyond its length a row's memory is zero.
        mean = memory.sum(1) / lengths[:, None].to(memory.dtype)
        return self.dropout(memory), torch.tanh(self.summary(mean))


class Decoder(nn.Module):
    """Writes the target, and looks at the memory at each step.

    Attention stands between two recurrent layers: the first one's states ask, the second reads what was found
    (as in GNMT, Wu et al. 2016, section 3.2). All that is carried from step to step are the states of both,
    so the steps of a whole target are learned at once, and the decoder streams.
    """

    def __init__(
        self, embedding: nn.Embedding, cell: str, hidden_size: int, attention: str, dropout: float
    ) -> None:
        super().__init__()
        size, memory = embedding.embedding_dim, 2 * hidden_size
        self.embedding = embedding
        self.dropout = nn.Dropout(dropout)
        self.first = Recurrent(cell_type(cell)(size + hidden_size, hidden_size))
        self.attention = attention_type(attention)(hidden_size, memory, hidden_size)
        self.second = Recurrent(cell_type(cell)(hidden_size + memory, hidden_size))
        self.mix = nn.Linear(hidden_size + memory + size, size)
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))

    def forward(
        self, target: Tensor, memory: Tensor, keys: Tensor, summary: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score what comes after each symbol.

        Args:
            target: (batch, time) integers: the symbols so far, the start first.
            memory, summary: what the encoder gave: (batch, places, 2 · hidden) and (batch, hidden).
            keys: (batch, places, hidden): what the attention compares with.
            lengths: (batch,) integers: places of the memory that count.

        Returns:
            (batch, time, symbols), natural logarithms of the probabilities of the next symbol; and the
            weights of the places, (batch, time, places).
        """
        scores, weights, _ = self.step(target, memory, keys, summary, lengths, None)
        return scores, weights

    def initial_state(self, batch: int) -> State:
        """The state in front of a target: (1, batch, size) each, of both layers."""
        return (*self.first.initial_state(batch), *self.second.initial_state(batch))

    def step(
        self,
        target: Tensor,
        memory: Tensor,
        keys: Tensor,
        summary: Tensor,
        lengths: Tensor,
        state: State | None,
    ) -> tuple[Tensor, Tensor, State]:
        """As `forward`, from a state on; also gives the state behind the last symbol."""
        mixed, weights, after = self.mixed(target, memory, keys, summary, lengths, state)
        return self.scores(mixed).log_softmax(-1), weights, after

    def mixed(
        self,
        target: Tensor,
        memory: Tensor,
        keys: Tensor,
        summary: Tensor,
        lengths: Tensor,
        state: State | None = None,
    ) -> tuple[Tensor, Tensor, State]:
        """What the next symbol is scored by, (batch, time, embedding_size); weights; the state at the end."""
        count = len(self.first.initial_state(1))
        before = (None, None) if state is None else (state[:count], state[count:])
        symbols = self.dropout(self.embedding(target))
        over_time = summary[:, None].expand(-1, symbols.shape[1], -1)
        asked, first = self.first(torch.cat([symbols, over_time], -1), before[0])
        found, weights = self.attention(asked, memory, keys, lengths)
        written, second = self.second(torch.cat([self.dropout(asked), found], -1), before[1])
        mixed = torch.tanh(self.mix(torch.cat([self.dropout(written), found, symbols], -1)))
        return self.dropout(mixed), weights, (*first, *second)

    def scores(self, mixed: Tensor) -> Tensor:
        """Scores of the symbols, before the softmax: (…, embedding_size) → (…, symbols).

        The symbols' own vectors weigh them (Press and Wolf 2017).
        """
        return nn.functional.linear(mixed, self.embedding.weight, self.bias)


class _Encoding(nn.Module):
    """The encoder as a graph: also the keys, which every step of the decoder needs."""

    def __init__(self, model: Seq2Seq) -> None:
        super().__init__()
        self.encoder, self.attention = model.encoder, model.decoder.attention

    def forward(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        memory, summary = self.encoder(source, lengths)
        return memory, self.attention.keys(memory), summary


class Seq2Seq(Parted):
    """Encoder, attention, decoder over one vocabulary.

    Args:
        symbols: size of the vocabulary, of source and target together.
        start, end: numbers of the symbols that stand in front of a target and behind it.
        embedding_size: numbers that stand for a symbol.
        hidden_size: size of the recurrent layers, a direction.
        attention: "bahdanau" (additive) or "dot".
        cell: name of a cell in `edgernn.cells`, in any case.
        encoder_layers: recurrent layers of the encoder.
        dropout: probability of zeroing an element between layers, in training only.
        longest: most symbols of a target that an app writes.
        beam, length_penalty: how an app searches for it; see `edgernn.beam`.

    Attributes:
        sampled_share: share of a target's symbols that `learn` replaces by the network's own.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> model = Seq2Seq(symbols=50, start=48, end=49)
        >>> source, lengths = torch.randint(0, 48, (4, 9)), torch.tensor([9, 5, 7, 1])
        >>> model(source, lengths, torch.randint(0, 48, (4, 6))).shape
        torch.Size([4, 6, 50])
    """

    def __init__(
        self,
        symbols: int,
        start: int,
        end: int,
        embedding_size: int = 256,
        hidden_size: int = 256,
        attention: str = "bahdanau",
        cell: str = "gru",
        encoder_layers: int = 1,
        dropout: float = 0.0,
        longest: int = 100,
        beam: int = 5,
        length_penalty: float = 1.0,
    ) -> None:
        super().__init__()
        check_sizes(
            "Seq2Seq",
            symbols=symbols,
            embedding_size=embedding_size,
            hidden_size=hidden_size,
            longest=longest,
        )
        self.start, self.end, self.longest = start, end, longest
        self.beam, self.length_penalty = beam, length_penalty
        self.sampled_share = 0.0
        embedding = nn.Embedding(symbols, embedding_size)
        # The same vectors weigh the scores: with variance 1 they would begin far too large.
        nn.init.normal_(embedding.weight, std=embedding_size**-0.5)
        self.encoder = Encoder(embedding, cell, hidden_size, encoder_layers, dropout)
        self.decoder = Decoder(embedding, cell, hidden_size, attention, dropout)

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The memory, its keys and its summary; see `Encoder` and `Decoder`."""
        memory, summary = self.encoder(source, lengths)
        return memory, self.decoder.attention.keys(memory), summary

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Score what comes after each symbol of a target that is known.

        Args:
            source: (batch, places) integers.
            lengths: (batch,) integers: places of each row's source, from 1.
            target: (batch, time) integers: the start and the symbols behind it.

        Returns:
            (batch, time, symbols), natural logarithms of the probabilities of the next symbol.
        """
        scores: Tensor = self.decoder(target, *self.encode(source, lengths), lengths)[0]
        return scores

    def learn(self, source: Tensor, lengths: Tensor, target: Tensor, inside: Tensor) -> Tensor:
        """As `forward`, for training: scores before the softmax, of some places alone.

        In training a share of the target's symbols, `sampled_share`, is replaced by the network's own, drawn
        from what it gives behind the known target: so it meets its own mistakes (scheduled sampling, Bengio
        et al. 2015; all steps at once, Mihaylova and Martins 2019).

        Args:
            source, lengths, target: as for `forward`.
            inside: (batch, time) booleans: the places that are scored.

        Returns:
            (places, symbols).
        """
        read = self.encode(source, lengths)
        if self.training and self.sampled_share:
            with torch.no_grad():
                scores = self.decoder(target, *read, lengths)[0]
                # The largest of scores and Gumbel noise is a draw from their distribution.
                noise = -torch.rand_like(scores).clamp(1e-9, 1 - 1e-7).log()
                drawn = (scores - noise.log()).argmax(-1)
            replaced = torch.rand(target[:, 1:].shape) < self.sampled_share
            target = torch.cat([target[:, :1], torch.where(replaced, drawn[:, :-1], target[:, 1:])], dim=1)
        mixed, _, _ = self.decoder.mixed(target, *read, lengths)
        return self.decoder.scores(mixed[inside])

    def settings(self) -> dict[str, Any]:
        """What a decoder needs: the numbers of the start and the end, and how to search."""
        return {
            "start": self.start,
            "end": self.end,
            "longest": self.longest,
            "beam": self.beam,
            "length_penalty": self.length_penalty,
        }

    def parts(self, example_inputs: Sequence[Tensor]) -> dict[str, Part]:
        """The encoder, and the decoder as a streaming graph."""
        source, lengths, target = example_inputs
        with torch.no_grad():
            read = self.encode(source, lengths)
        return {
            "encoder": Part(
                _Encoding(self), (source, lengths), {"output_names": ["memory", "keys", "summary"]}
            ),
            "decoder": Part(
                self.decoder,
                (target, *read, lengths),
                {
                    "streaming": True,
                    "dims": {
                        "memory": ("batch", "places", None),
                        "keys": ("batch", "places", None),
                        "summary": ("batch", None),
                        "lengths": ("batch",),
                    },
                    "output_names": ["log_probabilities", "weights"],
                },
            ),
        }

    @property
    def input_dims(self) -> dict[str, tuple[str | None, ...]]:
        """Source and target have clocks of their own; see `edgernn.export`."""
        return {"source": ("batch", "places"), "lengths": ("batch",), "target": ("batch", "time")}
