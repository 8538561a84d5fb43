"""A language model: from the symbols until now the next one, and backwards the one before.

Peters et al. (2018), "Deep contextualized word representations": the forward direction never sees what comes,
the backward one never what came, and both share the embedding and the softmax. Symbol 0 is the end of a text
to the one and its start to the other. The softmax is tied to the embedding (Press & Wolf 2017).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.training.classification import sequences_of
from edgernn.training.metrics.language import LanguageMeter
from edgernn.training.pretraining.objective import Objective
from edgernn.training.recipe import Prepared


class LanguageModel(nn.Module):
    """Scores of the symbol behind each one, and with two directions of the one before it.

    Args:
        encoder: a network with `embedding`, `recurrent` and `encode(ids)`.

    Raises:
        InputError: where the layers see what is to be predicted.
    """

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        recurrent, size = encoder.recurrent, encoder.embedding.embedding_dim
        if recurrent.directions > 1 and recurrent.num_layers > 1:
            raise InputError(
                "objective next-symbol: the second layer of a network with two directions sees the symbol "
                "that is to be predicted. Set num_layers=1, or bidirectional=false."
            )
        self.encoder = encoder
        self.heads = nn.ModuleList(
            nn.Linear(recurrent.hidden_size, size) for _ in range(recurrent.directions)
        )
        self.bias = nn.Parameter(torch.zeros(encoder.embedding.num_embeddings))

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, time) symbols → (batch, time, directions, symbols), before the softmax."""
        return torch.stack(self.scores(self.hidden(ids)), dim=2)

    def hidden(self, ids: Tensor) -> Tensor:
        """(batch, time) symbols → (batch, time, directions × hidden)."""
        found: Tensor = self.encoder.encode(ids)[0]
        return found

    def symbols(self, ids: Tensor) -> Tensor:
        """Of what the network reads, what it predicts: (batch, time)."""
        return ids

    def scores(self, hidden: Tensor) -> list[Tensor]:
        """(…, directions × hidden) → (…, symbols) of each direction."""
        parts = hidden.chunk(len(self.heads), dim=-1)
        return [
            F.linear(head(part), self.encoder.embedding.weight, self.bias)
            for head, part in zip(self.heads, parts, strict=True)
        ]


class NextSymbol(Objective):
    """The next symbol of a text."""

    summary = "Learn texts without labels by predicting the next symbol."

    def network(self, encoder: Any, **arguments: Any) -> nn.Module:
        """The encoder and a softmax over its vocabulary."""
        return LanguageModel(encoder)

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """(targets, symbols) scores of all that is to be predicted in a batch, and the symbols that came."""
        assert isinstance(model, LanguageModel)
        ids, lengths, _ = batch
        inside = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        scores = model.scores(model.hidden(ids)[inside])
        wanted = neighbours(model.symbols(ids), lengths, len(scores))
        return torch.cat(scores), torch.cat([symbols[inside] for symbols in wanted])

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Nats a symbol."""
        return F.cross_entropy(output, target)

    def loss_weight(self, model: nn.Module, target: Tensor) -> Tensor:
        """The symbols that were predicted."""
        return torch.tensor(float(len(target)), device=target.device)

    @torch.no_grad()
    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """Nats and bits a symbol and perplexity, beside those of the symbols' frequencies."""
        assert isinstance(model, LanguageModel)
        meter, plain = LanguageMeter(), LanguageMeter()
        counts = torch.ones(len(model.bias), dtype=torch.float64)
        for sequence in sequences_of(prepared.train).sequences:
            ids = model.symbols(sequence[None])
            for wanted in neighbours(ids, torch.tensor([len(sequence)]), len(model.heads)):
                counts += wanted.flatten().bincount(minlength=len(counts))
        frequencies = counts.log() - counts.sum().log()
        for batch in self.batches(prepared.test):
            output, target = self.predict(model, batch)
            meter.update(output, target)
            plain.update(frequencies.expand(len(target), -1), target)
        unigram = {f"{name}/unigram": value for name, value in plain.scores().items()}
        return {**meter.scores(), **unigram}


def neighbours(ids: Tensor, lengths: Tensor, directions: int) -> list[Tensor]:
    """The symbol behind each one, and with two directions the one before; 0 beyond a text's ends."""
    behind = F.pad(ids[:, 1:], (0, 1))
    behind = behind.masked_fill(torch.arange(ids.shape[1], device=ids.device) >= lengths[:, None] - 1, 0)
    return [behind, F.pad(ids[:, :-1], (1, 0))][:directions]


OBJECTIVE = NextSymbol
