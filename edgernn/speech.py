"""SpeechSynthesizer: text becomes sound piece by piece, by the three networks of a voice; on numpy alone.

A voice is three graphs: `text` gives every character a vector and a duration, `frames` makes spectra and a
pitch of them, and `vocoder` makes sound of these. Between them stand pitch and speed, which the listener
chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError, ModelError

Array = npt.NDArray[Any]
# Runs a network on the next frames of a stream.
Push = Callable[..., tuple[Array, ...]]

# What pitch and speed may be: beyond, nobody understands it.
LOWEST, HIGHEST = 0.5, 2.0
# What a vocabulary of characters begins with: every character that it does not hold. Here it fills texts up.
_FIRST = 1
# Features of a frame's place within its character, behind the character's own.
PLACES = 2
PARTS = ("text", "frames", "vocoder")
_ALL = 1 << 30
# Frames of a character at most: a voice that never heard the like must not speak for hours.
_LONGEST = 400.0
SETTINGS = ("sample_rate", "noise_size")


def text_numbers(text: str, vocabulary: Sequence[str]) -> list[int]:
    """The numbers of a text's characters, with a space, which is silence, before and behind it.

    White space counts as one space. Capitals become small letters where the vocabulary holds no capitals.

    Args:
        text: what is to be said.
        vocabulary: characters by index, from 1 on.

    Raises:
        InputError: the text is empty, or holds characters that the voice never learned.
    """
    known = {character: number for number, character in enumerate(vocabulary) if number >= _FIRST}
    if not any(character.isupper() for character in known):
        text = text.lower()
    words = text.split()
    if not words:
        raise InputError("text: it is empty. Give something to say.")
    unknown = sorted({character for word in words for character in word if character not in known})
    if unknown:
        hint = " Write numbers in words." if any(character.isdigit() for character in unknown) else ""
        raise InputError(
            f"text: this voice never learned to say {', '.join(map(repr, unknown))}; it knows "
            f"{''.join(character for character in known if character != ' ')!r}.{hint}"
        )
    return [known[character] for character in f" {' '.join(words)} "]


def whole_frames(durations: Array) -> npt.NDArray[np.int64]:
    """Durations in frames as whole numbers, so that every end is as near as can be to where it was."""
    ends = np.floor(np.cumsum(durations) + 0.5).astype(np.int64)
    return np.diff(ends, prepend=0)


def frame_places(durations: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Which symbol each frame belongs to, (frames,), and where in it the frame is, (frames, 2).

    The place is a share of the symbol's duration, from 0 to 1, and the logarithm of that duration.
    """
    symbols = np.repeat(np.arange(len(durations)), durations)
    lengths = durations[symbols]
    starts = (np.cumsum(durations) - durations)[symbols]
    share = (np.arange(len(symbols)) - starts + 0.5) / lengths
    return symbols, np.stack([share, np.log(lengths)], axis=1).astype(np.float32)


class SpeechSynthesizer:
    """Says texts.

    Args:
        text: (1, symbols) numbers → vectors (1, symbols, size) and logarithms of durations (1, symbols).
        frames: opens a stream of (1, frames, size + 2) → spectra (1, frames, bands) and pitch (1, frames, 1)
            in hertz.
        vocoder: opens a stream of spectra, pitch and noise (1, frames, noise_size) → samples (1, …).
        vocabulary: characters by index.
        sample_rate: samples a second.
        noise_size: random numbers a frame.

    Example:
        >>> voice = SpeechSynthesizer.of(load_network("voice"))
        >>> for samples in voice.stream("seven hundred forty two", pitch=1.2):
        ...     play(samples)
    """

    def __init__(
        self,
        text: Callable[[Array], tuple[Array, ...]],
        frames: Callable[[], Push],
        vocoder: Callable[[], Push],
        *,
        vocabulary: Sequence[str],
        sample_rate: float,
        noise_size: int,
    ) -> None:
        self._text, self._frames, self._vocoder = text, frames, vocoder
        self.vocabulary, self.sample_rate, self.noise_size = tuple(vocabulary), sample_rate, noise_size

    @classmethod
    def of(cls, network: Any) -> SpeechSynthesizer:
        """The voice of a network folder, as `edgernn.runtime.network.load_network` gives it.

        Raises:
            ModelError: a part or a setting is missing.
        """
        text, frames, vocoder = (network.session(name) for name in PARTS)
        missing = [name for name in SETTINGS if name not in network.settings]
        if missing or not text.manifest.vocabulary:
            raise ModelError(
                f"voice: {str(network.folder)!r} does not say its {(*missing, 'vocabulary')[0]}. Export a "
                "run of the recipe speech-generate into a folder."
            )

        def open_stream(session: Any) -> Push:
            stream = session.stream()
            return lambda *chunk: _several(stream.push(*chunk))

        return cls(
            lambda numbers: _several(text.run(numbers)),
            lambda: open_stream(frames),
            lambda: open_stream(vocoder),
            vocabulary=text.manifest.vocabulary,
            **{name: network.settings[name] for name in SETTINGS},
        )

    def say(self, text: str, *, pitch: float = 1.0, speed: float = 1.0, seed: int = 0) -> Array:
        """The whole sound of a text, (samples,) float32; arguments as for `stream`."""
        pieces = self.stream(text, pitch=pitch, speed=speed, seed=seed, chunk=_ALL)
        return np.concatenate(list(pieces))

    def stream(
        self, text: str, *, pitch: float = 1.0, speed: float = 1.0, seed: int = 0, chunk: int = 16
    ) -> Iterator[Array]:
        """The sound of a text, piece by piece, each as soon as it is made.

        Args:
            text: what is said.
            pitch: 2 is an octave higher, 0.5 an octave lower; vowels stay what they are.
            speed: 2 is twice as fast.
            seed: of the noise in the voice. The same text, seed and options give the same sound, whatever
                the chunk.
            chunk: frames of a piece.

        Yields:
            (samples,) float32.

        Raises:
            InputError: an argument is not what it may be, or the text cannot be said.
        """
        for name, value in (("pitch", pitch), ("speed", speed)):
            if not LOWEST <= value <= HIGHEST:
                raise InputError(f"{name}: must be from {LOWEST:g} to {HIGHEST:g}, found {value!r}.")
        if not isinstance(chunk, int) or chunk < 1:
            raise InputError(f"chunk: must be a whole number of frames from 1, found {chunk!r}.")
        numbers = np.array([text_numbers(text, self.vocabulary)], dtype=np.int64)
        return self._pieces(numbers, pitch, speed, seed, chunk)

    def _pieces(self, numbers: Array, pitch: float, speed: float, seed: int, chunk: int) -> Iterator[Array]:
        vectors, logarithms = self._text(numbers)
        lasting = np.minimum(np.exp(logarithms[0].astype(np.float64)), _LONGEST)
        durations = whole_frames(lasting / speed)
        if not durations.any():
            raise ModelError("voice: it gives this text no time at all. Train it for longer.")
        symbols, places = frame_places(durations)
        inputs = np.concatenate([vectors[0, symbols], places], axis=1)[None]
        frames, vocoder = self._frames(), self._vocoder()
        drawn = np.random.default_rng(seed)
        for start in range(0, len(symbols), chunk):
            spectra, hertz = frames(inputs[:, start : start + chunk])
            noise = drawn.standard_normal((1, spectra.shape[1], self.noise_size), dtype=np.float32)
            (samples,) = vocoder(spectra, hertz * np.float32(pitch), noise)
            yield samples[0]


def _several(result: Any) -> tuple[Array, ...]:
    """Outputs in order, of a session that gives one array or several by name."""
    return tuple(result.values()) if isinstance(result, dict) else (result,)
