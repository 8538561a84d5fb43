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
from edgernn.cli.lines import print_outputs
from edgernn.cli.outcome import print_json
from edgernn.cli.reading import Reading
from edgernn.cli.sounds import takes_sound
from edgernn.cli.tellers import find_teller, hop_seconds
from edgernn.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    from edgernn.runtime import Session

# Seconds of sound that are pushed at once, about.
_BLOCK = 0.1


def listen(session: Session, json: bool, reading: Reading) -> None:
    """Push what the microphone hears through a stream, and print what comes out, until Ctrl-C.

    Raises:
        InputError: the model takes no waveform, does not stream, or is not read so; there is no microphone.
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
    kind = find_teller(manifest.task)
    teller = None if kind is None else kind(session, hop_seconds(session))
    reading.use(session, teller)

    def tell(said: list[dict[str, Any]]) -> None:
        assert teller is not None
        for item in said:
            if json:
                print_json(item)
            else:
                sys.stdout.write(teller.line(item) + "\n")
        sys.stdout.flush()

    with _blocks(manifest.sample_rate, size) as blocks:
        print_note("listening; Ctrl-C ends it.")
        try:
            for samples in blocks:
                result = stream.push(samples[None])
                outputs = delayed.cut(
                    result if isinstance(result, dict) else {session.outputs[0].name: result}
                )
                if teller is None:
                    print_outputs(session, outputs, json)
                else:
                    tell(teller.push(outputs))
        except KeyboardInterrupt:
            if teller is not None:
                tell(teller.finish())


@contextmanager
def _blocks(sample_rate: float, size: int) -> Iterator[Iterator[Array]]:
    """What the microphone hears, (size,) float32 at a time; lost blocks are told."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            f"the microphone needs the package sounddevice and the library PortAudio ({error}). Install them "
            "with: pip install 'edgernn[mic]', and on Debian apt install libportaudio2."
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
