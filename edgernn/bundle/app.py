"""The app that a target writes: its models, and what every target says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import PurePosixPath
from typing import Any

from edgernn.bundle import names
from edgernn.bundle.describe import FREE, Description, State, Tensor
from edgernn.errors import InputError
from edgernn.manifest import Manifest

Files = dict[str, bytes]


@dataclass(frozen=True)
class AppModel:
    """One model of an app.

    Attributes:
        description: names and shapes.
        model: the bytes of its file.
        initial: the states before the first chunk, as a snapshot.
        golden: calls and what they must give.
        manifest: edgernn's own description of it.
        extra: further files of the model by name, e.g. the operators it needs.
    """

    description: Description
    model: bytes
    initial: bytes
    golden: dict[str, Any]
    manifest: Manifest
    extra: dict[str, bytes]

    @property
    def name(self) -> str:
        """The safe name."""
        return self.description.name

    @property
    def class_name(self) -> str:
        """The name of its stream class."""
        return f"{names.camel(self.name)}Stream"

    @property
    def arguments(self) -> list[str]:
        """A lower_case name for each input."""
        return names.unique((item.name for item in self.description.inputs), "input")

    @property
    def results(self) -> list[str]:
        """A lower_case name for each output."""
        return names.unique((item.name for item in self.description.outputs), "output")

    def description_json(self) -> bytes:
        """The description as JSON."""
        text = json.dumps(self.description.to_dict(), indent=1, allow_nan=False)
        return text.encode() + b"\n"

    def golden_json(self) -> bytes:
        """The golden vectors as JSON."""
        return json.dumps(self.golden, separators=(",", ":"), allow_nan=False).encode()

    def files(self, folder: str) -> Files:
        """The model's files, below `folder`."""
        files = {
            self.description.file: self.model,
            "model.json": self.description_json(),
            "initial.bin": self.initial,
            "golden.json": self.golden_json(),
            **self.extra,
        }
        return {f"{folder}/{self.name}/{name}": data for name, data in files.items()}


@dataclass(frozen=True)
class App:
    """An app.

    Attributes:
        name: a safe name.
        models: one or more; the first is the one that programs run unless told otherwise.
    """

    name: str
    models: tuple[AppModel, ...]

    @property
    def title(self) -> str:
        """For people."""
        return self.name.replace("_", " ").capitalize()

    def files(self, folder: str) -> Files:
        """The files of all models, below `folder`."""
        return {path: data for model in self.models for path, data in model.files(folder).items()}

    def values(self) -> dict[str, str]:
        """What every template may name."""
        first = self.models[0]
        return {
            "name": self.name,
            "title": self.title,
            "models": ", ".join(f"`{model.name}`" for model in self.models),
            "first_name": first.name,
            "first_class": first.class_name,
            "first_arguments": ", ".join(first.arguments),
            "tensors": "\n\n".join(tensor_table(model.description) for model in self.models),
            "example_input": "recording.wav" if first.description.is_waveform else "- < values.txt",
            "usage": usage(first.description),
        }


def licence() -> bytes:
    """The text of edgernn's licence, which the code in bundles is under, as the installed package has it."""
    text = metadata.distribution("edgernn").read_text(str(PurePosixPath("licenses", "LICENSE")))
    if text is None:
        raise FileNotFoundError("edgernn is installed without its licence; install it again")
    return text.encode()


def require_dtypes(app: App, target: str, known: tuple[str, ...]) -> None:
    """Raise InputError where a tensor has an element type that a target's runtime does not hand over."""
    for model in app.models:
        about = model.description
        tensors = [(item.name, item.dtype) for item in (*about.inputs, *about.outputs)]
        for name, dtype in (*tensors, *((state.input, state.dtype) for state in about.states)):
            if dtype not in known:
                raise InputError(
                    f"target: {target} takes {', '.join(known)}, and {name!r} of {model.name} is {dtype}. "
                    "Export the model with one of them, or bundle for another target."
                )


def usage(description: Description) -> str:
    """What goes in, in sentences."""
    width = sum(step_values(item) for item in description.inputs)
    steps = description.chunk or description.hop
    lines = (
        f"Standard input (`-`) takes one time step a line, {width} value{'s' if width > 1 else ''}, "
        f"separated\nby blanks or commas; {f'{steps} lines make' if steps > 1 else 'each is'} a push."
    )
    if description.is_waveform:
        return f"The recording is a .wav file of 16-bit samples at {description.sample_rate:g} Hz.\n{lines}"
    return lines


def step_values(tensor: Tensor) -> int:
    """How many values of a tensor belong to one step."""
    return tensor.values(1) if tensor.time_dim < 0 else tensor.values(1) // _time(tensor)


def _time(tensor: Tensor) -> int:
    size = tensor.shape[tensor.time_dim]
    return 1 if size == FREE else size


def shape_text(item: Tensor | State) -> str:
    """A shape as people read it."""
    return " × ".join("time" if size == FREE else str(size) for size in item.shape) or "one number"


def tensor_table(description: Description) -> str:
    """Inputs, outputs and states as a table of Markdown."""
    title = (
        f"**{description.name}**: {names.plain(description.task) or 'a stream'}, {description.scheme} weights"
    )
    if description.chunk:
        title += f"; a push takes {description.chunk} steps"
    else:
        title += f"; a push takes any multiple of {description.hop} steps" if description.hop > 1 else ""
    if description.sample_rate:
        title += f"; {description.sample_rate:g} steps a second"
    if description.latency_ms:
        title += f"; {description.latency_ms:.4g} ms from a step's arrival to its answer"
    rows = ["| | name | type | shape | |", "|-|-|-|-|-|"]
    for kind, items in (("input", description.inputs), ("output", description.outputs)):
        for item in items:
            notes = [names.plain(note) for note in (item.unit, item.layout) if note]
            if item.delay:
                notes.append(f"its first {item.delay} steps come before the stream's first answer")
            row = (kind, f"`{names.plain(item.name)}`", item.dtype, shape_text(item), "; ".join(notes))
            rows.append(f"| {' | '.join(row)} |")
    size = len(description.states)
    rows.append(f"| states | {size} | | | kept by the stream |")
    return title + "\n\n" + "\n".join(rows)
