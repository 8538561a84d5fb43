"""A language model over words that are read with their bytes: `next_symbol` for networks such as `Tagger`."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from edgernn.training.pretraining.objectives.next_symbol import LanguageModel, NextSymbol


class WordModel(LanguageModel):
    """Reads (batch, time, 1 + bytes), each word's number and its bytes, and predicts words."""

    def hidden(self, ids: Tensor) -> Tensor:
        """(batch, time, 1 + bytes) → (batch, time, directions × hidden)."""
        found: Tensor = self.encoder.encode(ids[..., 0], ids[..., 1:])
        return found

    def symbols(self, ids: Tensor) -> Tensor:
        """The words' numbers, (batch, time)."""
        return ids[..., 0]


class NextWord(NextSymbol):
    """The next word of a sentence."""

    summary = "Learn sentences without tags by predicting the next word."

    def network(self, encoder: Any, **arguments: Any) -> nn.Module:
        """The encoder and a softmax over its vocabulary."""
        return WordModel(encoder)


OBJECTIVE = NextWord
