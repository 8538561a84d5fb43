"""@@title@@: values in, outputs out, as they come.

python main.py -             one time step a line from standard input, values separated by blanks or commas
python main.py sound.wav     a recording, where the model takes a waveform
"""

from __future__ import annotations

import argparse
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from runtime import Array, GoldenError, Model, check_golden
from streams import STREAMS

MODELS = Path(__file__).parent / "models"


def main() -> int:
    """Check the model, then stream the input through it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("input", nargs="?", default="-", help="- for lines of values, or a .wav file")
    parser.add_argument("--model", choices=sorted(STREAMS), default=next(iter(STREAMS)), help="which model")
    parser.add_argument(
        "--check", action="store_true", help="only check every model against its golden vectors"
    )
    arguments = parser.parse_args()
    names = list(STREAMS) if arguments.check else [arguments.model]
    try:
        for name in names:
            model = Model(MODELS / name)
            worst = check_golden(model)
            print(
                f"{name}: golden vectors pass, at most {worst:.1%} of the allowed difference", file=sys.stderr
            )
    except (GoldenError, ValueError, KeyError, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    if arguments.check:
        return 0
    stream = STREAMS[arguments.model](model)
    try:
        chunks = wave_chunks(model, arguments.input) if arguments.input != "-" else line_chunks(model)
        printer = Printer(model)
        for inputs in chunks:
            printer.show(stream.push_all(*inputs))
    except (ValueError, OSError, wave.Error, EOFError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def line_chunks(model: Model) -> Iterator[list[Array]]:
    """Lines of standard input, as many as a push takes at a time.

    A line holds the values of one step: of each input in turn. Of an input without time the last line counts.
    """
    specs, size = model.about["inputs"], model.about["chunk"] or model.about["hop"]
    widths = [values_a_step(spec) for spec in specs]
    waiting: list[list[float]] = []
    for number, line in enumerate(iter(sys.stdin.readline, ""), start=1):
        cells = line.replace(",", " ").split()
        if not cells:
            continue
        if len(cells) != sum(widths):
            raise ValueError(f"line {number} holds {len(cells)} values; a step takes {sum(widths)}")
        waiting.append([float(cell) for cell in cells])
        if not np.isfinite(waiting[-1]).all():
            raise ValueError(f"line {number} holds NaN or infinity")
        if len(waiting) == size:
            rows, inputs, start = np.array(waiting), [], 0
            for spec, width in zip(specs, widths, strict=True):
                part = rows[:, start : start + width]
                inputs.append(chunk_of(part, spec))
                start += width
            yield inputs
            waiting = []
    if waiting:
        print(f"note: the last {len(waiting)} lines are no whole push of {size}", file=sys.stderr)


def values_a_step(spec: dict[str, Any]) -> int:
    """How many values of a tensor belong to one step."""
    sizes = [size for axis, size in enumerate(spec["shape"]) if axis != spec["time_dim"]]
    return int(np.prod(sizes))


def chunk_of(rows: Array, spec: dict[str, Any]) -> Array:
    """Rows (steps, values) as an input: the other dimensions in their order, time in its place."""
    if spec["dtype"] not in ("float32", "float64"):
        if not np.array_equal(rows, np.rint(rows)):
            raise ValueError(f"input {spec['name']!r} takes whole numbers")
        rows = np.rint(rows).astype(np.int64)
    others = [size for axis, size in enumerate(spec["shape"]) if axis != spec["time_dim"]]
    made: Array = rows[-1] if spec["time_dim"] < 0 else rows.reshape(len(rows), *others)
    made = made.reshape(spec["shape"]) if spec["time_dim"] < 0 else np.moveaxis(made, 0, spec["time_dim"])
    return np.asarray(made, spec["dtype"])


def wave_chunks(model: Model, path: str) -> Iterator[list[Array]]:
    """A .wav file of 16-bit samples, its channels mixed, a push at a time; silence fills the last one."""
    about = model.about
    (spec, *more) = about["inputs"]
    if more or spec["time_dim"] < 0 or values_a_step(spec) != 1 or spec["dtype"] != "float32":
        raise ValueError("this model takes no waveform; give lines of values")
    with wave.open(path) as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: expected 16-bit samples, found {8 * file.getsampwidth()}-bit ones")
        if about["sample_rate"] and file.getframerate() != about["sample_rate"]:
            raise ValueError(f"{path}: {file.getframerate()} Hz; the model takes {about['sample_rate']:g} Hz")
        channels = file.getnchannels()
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels)
    samples = data.astype(np.float32).mean(axis=1) / np.float32(32768)
    samples = np.pad(samples, (0, -len(samples) % about["steps"]))
    for start in range(0, len(samples), about["steps"]):
        yield [samples[start : start + about["steps"]].astype(np.float32)]


class Printer:
    """Prints outputs, one step a line, without the steps that come before an output's first one."""

    def __init__(self, model: Model) -> None:
        self.about = model.about
        self.left = [spec["delay"] if spec["time_dim"] >= 0 else 0 for spec in self.about["outputs"]]

    def show(self, outputs: list[Array]) -> None:
        """Print the outputs of one push."""
        several = len(outputs) > 1
        for index, (spec, output) in enumerate(zip(self.about["outputs"], outputs, strict=True)):
            steps = [output] if spec["time_dim"] < 0 else list(np.moveaxis(output, spec["time_dim"], 0))
            dropped = min(self.left[index], len(steps))
            self.left[index] -= dropped
            for values in steps[dropped:]:
                text = self.text(values.reshape(-1), index)
                print(f"{spec['name']}\t{text}" if several else text, flush=True)

    def text(self, values: Array, index: int) -> str:
        """The best label and its value where the first output has labels; else the values."""
        labels = self.about["labels"]
        if index == 0 and labels and len(labels) == values.size:
            best = int(values.argmax())
            return f"{labels[best]}\t{values[best]:.6g}"
        return " ".join(f"{value:.9g}" if values.dtype.kind == "f" else str(int(value)) for value in values)


if __name__ == "__main__":
    sys.exit(main())
