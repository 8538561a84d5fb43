"""Speech that is read by a network of the recipe speech-recognise: whether one can understand it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from edgernn.ctc import CTCDecoder
from edgernn.errors import InputError
from edgernn.sound import resample
from edgernn.training.run import load_run

_TASK = "speech-recognise"


def read_back(sounds: Iterable[np.ndarray], sample_rate: float, reader: str | Path) -> list[str]:
    """What is read in each sound, greedily.

    Args:
        sounds: each (samples,) float32.
        sample_rate: of them.
        reader: a run folder.

    Raises:
        InputError, ModelError: the folder is no run, or one of another recipe.
    """
    run = load_run(reader)
    known = run.config.metadata
    rate = known.sample_rate
    if known.task != _TASK or rate is None:
        raise InputError(
            f"option reader: {str(reader)!r} is a run of {run.config.recipe!r}; name one of {_TASK}."
        )
    decoder, found = CTCDecoder(known.vocabulary), []
    for samples in sounds:
        heard = samples if rate == sample_rate else resample(samples, sample_rate, rate)
        with torch.no_grad():
            found.append(decoder.decode(run.model(torch.from_numpy(heard)[None])[0].numpy()))
    return found
