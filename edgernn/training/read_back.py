"""Speech that is read by a network of the recipe speech-recognise: whether one can understand it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from edgernn.ctc import CTCDecoder
from edgernn.errors import InputError
from edgernn.sound import resample
from edgernn.training.config import RunConfig
from edgernn.training.run import load_run

_TASK = "speech-recognise"


def check_reader(reader: str | Path) -> None:
    """Raise InputError where a folder is no run of speech-recognise."""
    known = RunConfig.read(Path(reader))
    if known.metadata.task != _TASK or known.metadata.sample_rate is None:
        raise InputError(f"option reader: {str(reader)!r} is a run of {known.recipe!r}; name one of {_TASK}.")


def read_back(sounds: Iterable[np.ndarray], sample_rate: float, reader: str | Path) -> list[str]:
    """What is read in each sound, greedily.

    Args:
        sounds: each (samples,) float32.
        sample_rate: of them.
        reader: a run folder.

    Raises:
        InputError, ModelError: the folder is no run, or one of another recipe.
    """
    check_reader(reader)
    run = load_run(reader)
    known = run.config.metadata
    rate = known.sample_rate or sample_rate
    decoder, found = CTCDecoder(known.vocabulary), []
    for samples in sounds:
        heard = samples if rate == sample_rate else resample(samples, sample_rate, rate)
        with torch.no_grad():
            found.append(decoder.decode(run.model(torch.from_numpy(heard)[None])[0].numpy()))
    return found
