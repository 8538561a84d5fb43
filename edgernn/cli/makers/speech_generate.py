"""Speech of a text, as a .wav file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgernn.cli import makers
from edgernn.sound import write_sound
from edgernn.speech import SpeechSynthesizer


@dataclass(frozen=True)
class Options:
    """How it is said.

    Attributes:
        pitch: 2 is an octave higher, 0.5 an octave lower.
        speed: 2 is twice as fast.
        chunk: frames of a piece.
    """

    pitch: float = 1.0
    speed: float = 1.0
    chunk: int = 16


class Maker(makers.Maker):
    """Says the text, and times itself."""

    SUFFIXES = (".wav",)
    OPTIONS = Options

    def make(self, text: str, output: Path, options: Any, seed: int | None) -> makers.Made:
        """See `edgernn.cli.makers.Maker`. Without a seed the noise in the voice is that of seed 0."""
        voice = SpeechSynthesizer.of(self.network)
        start, pieces, first = time.process_time(), [], 0.0
        for piece in voice.stream(
            text, pitch=options.pitch, speed=options.speed, seed=seed or 0, chunk=options.chunk
        ):
            first = first or time.process_time() - start
            pieces.append(piece)
        spent = time.process_time() - start
        samples = np.concatenate(pieces)
        seconds = len(samples) / voice.sample_rate
        write_sound(output, samples, voice.sample_rate)
        return makers.Made(
            {"seconds": seconds, "real_time_factor": spent / seconds, "first_piece_ms": 1000 * first},
            (
                f"{seconds:.2f} s of speech, the first piece after {1000 * first:.0f} ms",
                f"real-time factor {spent / seconds:.3f} (processor time ÷ time of the sound)",
            ),
        )
