"""The microphone, as the input of a streaming model that takes a waveform."""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgernn.cli.arrays import Array
from edgernn.cli.console import print_note
from edgernn.cli.delay import DelayedOutputs
from edgernn.cli.lines import print_outputs
from edgernn.cli.outcome import print_json
from edgernn.cli.reading import Reading
from edgernn.cli.running import run_arrays
from edgernn.cli.sound_outputs import SoundWritten, output_rate, write_waveform
from edgernn.cli.sounds import fill_up, gives_sound, takes_sound
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
    size = _block_size(session)
    if gives_sound(manifest):
        raise InputError("--mic: the model gives sound; say where to write it: -o clean.wav.")
    assert manifest.sample_rate is not None
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


def record(session: Session, output: Path) -> SoundWritten:
    """Push what the microphone hears through a model that gives sound until Ctrl-C, and write that.

    Raises:
        InputError: the model does not stream, there is no microphone, or nothing was heard.
        MissingDependencyError: as for `listen`.
    """
    size = _block_size(session)
    stream, delayed = session.stream(), DelayedOutputs(session.outputs, True)
    name, parts, heard = session.outputs[0].name, [], 0
    with _blocks(session.manifest.sample_rate or 1.0, size) as blocks, suppress(KeyboardInterrupt):
        print_note(f"listening, and writing {output} at the end; Ctrl-C ends it.")
        for samples in blocks:
            result = stream.push(samples[None])
            assert not isinstance(result, dict)  # a model that gives sound has one output
            parts.append(delayed.cut({name: result})[name][0])
            heard += len(samples)
    if not heard:
        raise InputError("--mic: nothing was heard; no file was written.")
    silence = fill_up(session, np.zeros(0, np.float32))
    if len(silence):
        behind = run_arrays(session, [silence[None]], stream, fresh=False)
        parts.append(delayed.cut(behind)[name][0])
    wanted = round(heard * output_rate(session) / (session.manifest.sample_rate or 1.0))
    return write_waveform(session, np.concatenate(parts)[:wanted], output)


def _block_size(session: Session) -> int:
    """Samples of a push; raises InputError where a model takes no waveform or does not stream."""
    manifest = session.manifest
    if not takes_sound(manifest) or not manifest.streaming:
        raise InputError(
            "--mic: the model must stream and take a waveform (batch, samples) of a known sample rate. "
            "Export it with --streaming."
        )
    assert manifest.sample_rate is not None
    step = manifest.chunk or manifest.hop
    return step * max(1, round(_BLOCK * manifest.sample_rate / step)) if manifest.chunk is None else step


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
