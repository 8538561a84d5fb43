"""What a language model does for a recogniser: error rates of a run without one and beside one.

    python tools/score_language_model.py runs/speech --texts texts.txt    # what the run learned from
    edgernn train text-generate --data texts.txt -o runs/language
    edgernn export runs/language -o language.onnx --streaming
    python tools/score_language_model.py runs/speech --language-model language.onnx

The weight and the bonus are those with the fewest wrong words on the run's validation part; what is told is
measured on its test part.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import edgernn
from edgernn.files import write_text
from edgernn.runtime import CTCDecoder, LanguageScorer
from edgernn.training import load_run
from edgernn.training.metrics.edits import text_error_rates
from edgernn.training.options import read_options
from edgernn.training.recipe import locate_data
from edgernn.training.transcription import Transcribed

WEIGHTS, BONUSES = (0.3, 0.6, 1.0), (0.0, 1.0)


@torch.no_grad()
def heard(model: torch.nn.Module, part: Transcribed) -> list[np.ndarray]:
    """The network's log-probabilities of each recording, (steps, symbols)."""
    return [model(sequence[None])[0].numpy() for sequence in part.sequences]


def rates(part: Sequence[np.ndarray], texts: Sequence[str], decoder: CTCDecoder) -> dict[str, float]:
    """`wer` and `cer` of what a decoder reads."""
    return text_error_rates([decoder.decode(item) for item in part], list(texts))


def best_options(
    part: Sequence[np.ndarray], texts: Sequence[str], decoders: dict[tuple[float, float], CTCDecoder]
) -> tuple[float, float]:
    """The weight and the bonus with the fewest wrong words."""
    return min(decoders, key=lambda options: tuple(rates(part, texts, decoders[options]).values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="a run folder of a recipe that learns by CTC")
    parser.add_argument("--texts", type=Path, help="write the texts that the run learned from, and stop")
    parser.add_argument("--language-model", type=Path, help="a streaming file of the recipe text-generate")
    parser.add_argument("--beam", type=int, default=8, help="texts that are kept")
    given = parser.parse_args()
    run = load_run(given.run)
    options = read_options(run.recipe.options_type, run.config.options)
    prepared: Any = run.recipe.prepare_like(
        options, locate_data(run.config.data or None), run.config.metadata
    )
    if given.texts is not None:
        write_text(given.texts, "".join(f"{text}\n" for text in prepared.train.texts))
        return
    if given.language_model is None:
        parser.error("name a --language-model, or a file for --texts.")
    symbols = prepared.metadata.vocabulary
    scorer = LanguageScorer(edgernn.load(given.language_model), symbols)
    validation, test = (heard(run.model, part) for part in (prepared.validation, prepared.test))
    decoders = {
        (weight, bonus): CTCDecoder(
            symbols, beam=given.beam, language_model=scorer, language_weight=weight, bonus=bonus
        )
        for weight in WEIGHTS
        for bonus in BONUSES
    }
    weight, bonus = best_options(validation, prepared.validation.texts, decoders)
    ways = {
        "greedy": CTCDecoder(symbols),
        f"beam of {given.beam}": CTCDecoder(symbols, beam=given.beam),
        f"beam of {given.beam}, language model at {weight:g}, bonus {bonus:g}": decoders[weight, bonus],
    }
    for name, decoder in ways.items():
        found = rates(test, prepared.test.texts, decoder)
        print(f"{name}: WER {found['wer']:.3f}, CER {found['cer']:.3f}")


if __name__ == "__main__":
    main()
