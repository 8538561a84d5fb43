"""Scores of a language model: nats a symbol, bits a character, perplexity."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.errors import InputError


class LanguageMeter:
    """Adds the surprise of a text up, part by part, in float64.

    Args:
        ignore: a target that does not count, e.g. the symbol that fills a batch up; None: all count.

    Example:
        >>> meter = LanguageMeter()
        >>> meter.update(torch.zeros(2, 5, 4), torch.ones(2, 5, dtype=torch.int64))
        >>> round(meter.scores()["perplexity"], 6)
        4.0
    """

    def __init__(self, ignore: int | None = None) -> None:
        self.ignore = ignore
        self.nats = 0.0
        self.symbols = 0

    @torch.no_grad()
    def update(self, logits: Tensor, target: Tensor) -> None:
        """Count one part.

        Args:
            logits: (…, symbols), the scores before the softmax.
            target: (…), the symbols that came, by index.

        Raises:
            InputError: where the shapes do not fit.
        """
        if logits.shape[:-1] != target.shape:
            raise InputError(
                f"logits: must be (…, symbols) for targets of shape {tuple(target.shape)}, found "
                f"{tuple(logits.shape)}."
            )
        flat, expected = logits.reshape(-1, logits.shape[-1]).double(), target.reshape(-1)
        if self.ignore is not None:
            counted = expected != self.ignore
            flat, expected = flat[counted], expected[counted]
        self.nats += float(F.cross_entropy(flat, expected, reduction="sum"))
        self.symbols += len(expected)

    def scores(self, characters: int | None = None) -> dict[str, float]:
        """The scores until now.

        Args:
            characters: how many characters the symbols spell; None: a symbol is a character.

        Returns:
            `nats` a character, `bits` a character, and `perplexity`, which is e to the nats a *symbol*, so
            comparable only between models of one vocabulary.

        Raises:
            InputError: where no symbol was counted.
        """
        characters = self.symbols if characters is None else characters
        if not self.symbols or characters < 1:
            raise InputError("scores: no symbol was counted. Score a text that is not empty.")
        nats = self.nats / characters
        surprise = self.nats / self.symbols
        # Beyond the largest number that a float holds: e to the 709.
        perplexity = math.exp(surprise) if surprise < 709 else math.inf
        return {"nats": nats, "bits": nats / math.log(2), "perplexity": perplexity}
