"""A manifest as tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

import edgernn
from edgernn.cli.console import facts, show, table

if TYPE_CHECKING:
    from edgernn.manifest import Manifest, RecurrentLayer, StateSpec, TensorSpec


def form(manifest: Manifest) -> str:
    """How the file takes time: whole sequences, or chunks with states."""
    time = "any length"
    fixed = [
        spec.dims[spec.time_dim]
        for spec in manifest.inputs
        if spec.time_dim is not None and isinstance(spec.dims[spec.time_dim], int)
    ]
    if fixed:
        time = f"{fixed[0]} steps"
    if not manifest.streaming:
        return f"whole sequences of {time}"
    return f"streaming, in chunks of {time}"


def latency(manifest: Manifest) -> str:
    """From a sample's arrival to the output that depends on it."""
    steps = f"{manifest.latency_steps} steps"
    return steps if manifest.latency_ms is None else f"{steps}, {show(manifest.latency_ms)} ms"


def tensors(manifest: Manifest) -> Table:
    """Inputs, outputs and states."""
    rows = [_tensor_row("input", spec) for spec in manifest.inputs]
    rows += [_tensor_row("output", spec) for spec in manifest.outputs]
    rows += [_state_row(state) for state in manifest.states]
    columns = ("", "name", "type", "dimensions", "unit", "range", "timing", "meaning")
    return table("Inputs, outputs and states", columns, rows)


def layers(manifest: Manifest, functions: Sequence[str]) -> Table:
    """The recurrent layers; `functions` are the names of the file's functions."""
    return table(
        "Recurrent layers",
        ("layer", "cell", "input size", "hidden size", "directions", "recurrence", "for the kernels"),
        [
            (
                item.name,
                item.cell,
                item.input_size,
                item.hidden_size,
                item.directions,
                item.recurrence,
                for_kernels(item, functions),
            )
            for item in manifest.layers
        ],
    )


def for_kernels(layer: RecurrentLayer, functions: Sequence[str]) -> str:
    """Whether a layer is a function that edgernn's kernels may take over, and if not, why."""
    if layer.recurrence == "op":
        # A coupled LSTM, for one, is written as an LSTM.
        if any(name.partition("_")[0].endswith(("RNN", "LSTM", "GRU", "SRU")) for name in functions):
            return "a function"
        return "an operator; with export --kernels, or in int8 or int4, a function"
    if _is_of_the_library(layer.cell):
        return f"{layer.recurrence}; with export --kernels a function"
    return f"{layer.recurrence} of its own step: kernels know the library's cells alone"


def _is_of_the_library(cell: str) -> bool:
    """By the name of its file: the cells themselves need torch."""
    file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cell).lower()
    return (Path(edgernn.__file__).parent / "cells" / f"{file}.py").is_file()


def parity(manifest: Manifest) -> str:
    """The parity report's summary in a line."""
    if not manifest.parity:
        return "not verified"
    known = dict(manifest.parity)
    words = []
    if "passed" in known:
        words.append("passed" if known.pop("passed") else "FAILED")
    return ", ".join([*words, *(f"{name.replace('_', ' ')} {show(value)}" for name, value in known.items())])


def about(manifest: Manifest) -> Table:
    """All that stands once in a manifest."""
    return facts(
        [
            ("task", manifest.task),
            ("form", form(manifest)),
            ("recurrence", manifest.recurrence),
            ("scheme", manifest.scheme),
            ("latency", latency(manifest) if manifest.streaming else None),
            ("a push takes", f"multiples of {manifest.hop} steps" if manifest.hop != 1 else None),
            ("look-ahead", f"{manifest.lookahead_steps} steps" if manifest.lookahead_steps else None),
            (
                "sample rate",
                None if manifest.sample_rate is None else f"{show(manifest.sample_rate)} per second",
            ),
            ("labels", ", ".join(manifest.labels)),
            ("vocabulary", f"{len(manifest.vocabulary)} symbols" if manifest.vocabulary else None),
            ("tokenizer", "sub-words, by SentencePiece" if manifest.tokenizer else None),
            (
                "normalization left to the app",
                ", ".join(f"{name} {show(value)}" for name, value in manifest.normalization.items()),
            ),
            ("parity", parity(manifest)),
            ("opset", manifest.opset),
            ("made with", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())),
            ("weights sha256", manifest.weights_sha256),
        ]
    )


def _tensor_row(kind: str, spec: TensorSpec) -> tuple[object, ...]:
    limits = (
        "" if spec.minimum is None and spec.maximum is None else f"{show(spec.minimum)}…{show(spec.maximum)}"
    )
    return (kind, spec.name, spec.dtype, _dims(spec.dims), spec.unit, limits, _timing(spec), spec.layout)


def _state_row(state: StateSpec) -> tuple[object, ...]:
    return ("state", state.input, state.dtype, _dims(state.dims), "", "", "", state.meaning)


def _timing(spec: TensorSpec) -> str:
    """How an output's steps follow the input's; empty where step for step."""
    words = []
    if spec.hop != spec.upsampling:
        words.append(f"{spec.upsampling} for {spec.hop} input steps")
    if spec.delay:
        words.append(f"the first {spec.delay} to be dropped")
    return ", ".join(words)


def _dims(dims: tuple[int | str, ...]) -> str:
    return " × ".join(str(dim) for dim in dims) or "one number"
