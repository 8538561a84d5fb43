"""The microphone, as the input of a streaming model that takes a waveform."""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.cli.console import print_note
from edgernn.cli.delay import DelayedOutputs
from edgernn.cli.events import WordLines, hop_seconds, names_words, text_line
from edgernn.cli.lines import print_outputs
from edgernn.cli.outcome import print_json
from edgernn.cli.sounds import takes_sound
from edgernn.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from edgernn.runtime import Session

# Seconds of sound that are pushed at once, about.
_BLOCK = 0.1


def listen(session: Session, json: bool) -> None:
    """Push what the microphone hears through a stream, and print what comes out, until Ctrl-C.

    Raises:
        InputError: the model takes no waveform, does not stream, or there is no microphone.
        MissingDependencyError: the package sounddevice, or the library PortAudio, is not installed.
    """
    manifest = session.manifest
    if not takes_sound(session) or not manifest.streaming:
        raise InputError(
            "--mic: the model must stream and take a waveform (batch, samples) of a known sample rate. "
            "Export it with --streaming."
        )
    assert manifest.sample_rate is not None
    step = manifest.chunk or manifest.hop
    size = step * max(1, round(_BLOCK * manifest.sample_rate / step)) if manifest.chunk is None else step
    stream, delayed = session.stream(), DelayedOutputs(session.outputs, True)
    words = WordLines(session, hop_seconds(session)) if names_words(session) else None
    with _blocks(manifest.sample_rate, size) as blocks:
        print_note("listening; Ctrl-C ends it.")
        try:
            for samples in blocks:
                result = stream.push(samples[None])
                outputs = delayed.cut(
                    result if isinstance(result, dict) else {session.outputs[0].name: result}
                )
                if words is None:
                    print_outputs(session, outputs, json)
                    continue
                for event in words.found(outputs):
                    if json:
                        print_json(event)
                    else:
                        sys.stdout.write(text_line(event) + "\n")
                sys.stdout.flush()
        except KeyboardInterrupt:
            return


@contextmanager
def _blocks(sample_rate: float, size: int) -> Iterator[Iterator[Array]]:
    """What the microphone hears, (size,) float32 at a time; lost blocks are told."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f"the microphone needs the package sounddevice and the library PortAudio ({error}). Install them: "
            "pip install 'edgernn[mic]', and on Debian apt install libportaudio2."
        ) from error
    waiting: queue.SimpleQueue[Array] = queue.SimpleQueue()

    def heard(samples: Any, frames: int, time: Any, status: Any) -> None:
        if status:
            print_note(f"microphone: {status}: samples were lost; is the machine too slow for the model?")
        waiting.put(np.array(samples[:, 0], dtype=np.float32))

    try:
        opened = sounddevice.InputStream(
            samplerate=sample_rate, blocksize=size, channels=1, dtype="float32", callback=heard
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise InputError(f"--mic: no microphone can be opened at {sample_rate:g} Hz ({error}).") from error

    def blocks() -> Iterator[Array]:
        while True:
            yield waiting.get()

    with opened:
        yield blocks()
