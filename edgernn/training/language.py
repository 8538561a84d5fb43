"""What recipes that learn a language share: texts cut into parts, their streams, and scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.training.metrics.language import LanguageMeter
from edgernn.training.records import read_text_file, text_files
from edgernn.training.streams import Streams
from edgernn.training.witten_bell import witten_bell

# Symbols of a piece that is scored in one call, for the memory's sake, and those that are read before it:
# what is longer ago changes the probabilities too little to count.
_SCORED_AT_ONCE, _CONTEXT = 16384, 512


class Parts(NamedTuple):
    """Texts that are learned from, that choose the epoch, and that are only scored."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def read_whole_texts(path: Path, encoding: str = "utf-8") -> tuple[str, ...]:
    """The text of a file, or of each .txt file in a folder.

    Raises:
        InputError: a folder without any, or a file that is empty or in another encoding (with the line).
    """
    files = text_files(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"data: the folder {str(path)!r} holds no .txt file.")
    return tuple(read_text_file(file, encoding) for file in files)


def cut_off(texts: Sequence[str], share: float, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each text without its last part, and that part, by its share of the characters.

    The part begins with the character before it, so that its own first one is foreseen too.

    Raises:
        InputError: where a text is too short.
    """
    kept, ends = [], []
    for text in texts:
        place = len(text) - round(share * len(text))
        if place < 2 or place >= len(text):
            raise InputError(
                f"data: a text of {len(text)} characters leaves none for the {what} part with a share of "
                f"{share:g}. Give more text, a larger {what}_size, or {what}_data."
            )
        kept.append(text[:place])
        ends.append(text[place - 1 :])
    return tuple(kept), tuple(ends)


def streams(texts: Sequence[Tensor], window: int, rows: int) -> Streams:
    """Texts as numbers of symbols: each symbol is an input, and the target of the one before it."""
    return Streams([ids[:-1] for ids in texts], [ids[1:] for ids in texts], window, rows)


@torch.no_grad()
def language_scores(model: nn.Module, test: Streams, characters: int) -> dict[str, float]:
    """Nats and bits a character and perplexity a symbol of texts, by a network's `forward` alone.

    Read in long pieces; each is read from some symbols before it on, which do not count again.

    Args:
        model: gives (1, time, symbols) logarithms of probabilities for (1, time) numbers of symbols.
        test: the texts.
        characters: how many characters the targets spell.
    """
    device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
    meter = LanguageMeter()
    for inputs, targets in zip(test.inputs, test.targets, strict=True):
        for start in range(0, len(inputs), _SCORED_AT_ONCE):
            end, before = start + _SCORED_AT_ONCE, min(start, _CONTEXT)
            found: Tensor = model(inputs[None, start - before : end].to(device))
            meter.update(found[0, before:].cpu(), targets[start:end])
    return meter.scores(characters)


def witten_bell_scores(
    train: Streams, test: Streams, symbols: int, order: int, characters: int
) -> dict[str, float]:
    """As `language_scores`, of n-grams."""
    learned, truth = (torch.cat(part.targets).numpy() for part in (train, test))
    surprise = witten_bell(learned, truth, symbols, order)
    nats = surprise * len(truth) / characters
    return {"nats": nats, "bits": nats / math.log(2), "perplexity": math.exp(surprise)}
