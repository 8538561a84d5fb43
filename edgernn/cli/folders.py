"""Commands on a network of several graphs: each graph in turn, under its name."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.cli.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from edgernn.manifest import Manifest
    from edgernn.source import Source


def refuse_for_folder(options: Mapping[str, Any], folder: Path) -> None:
    """Raise InputError where an option is given that is for one graph."""
    from edgernn.errors import InputError

    given = [name for name, value in options.items() if value]
    if given:
        raise InputError(
            f"{given[0]}: it is for one graph, and {str(folder)!r} is a network of several. Name a file in "
            "it, or leave the option out."
        )


def export_words(run: str | Path, recipe: str, name: str) -> list[object]:
    """The command that exports a run: into a file, or a network of several graphs into a folder."""
    from edgernn.training import find_recipe, shipped_recipes

    several = recipe in shipped_recipes() and find_recipe(recipe).several_graphs
    return ["export", run, "-o", name if several else f"{name}.onnx"]


def by_part(
    command: Callable[..., Outcome], folder: Path, arguments: Mapping[str, Any], file: str = "file"
) -> Outcome:
    """Run a command on every graph of a network folder.

    Args:
        command: a command.
        folder: the network folder.
        arguments: the command's.
        file: name of the argument that takes a graph's file.
    """
    from edgernn.network_folder import read_network_folder

    network = read_network_folder(folder)
    found = {name: command(**{**arguments, file: network.path(name)}) for name in network.parts}
    return joined(found, {"task": network.task})


def quantize_parts(
    folder: Path, output: Path, scheme: str, options: Mapping[str, Any], inline: bool
) -> Outcome:
    """Quantize every graph of a network folder into a new folder, written whole or not at all."""
    import edgernn
    from edgernn.cli.console import file_size, next_steps, table, working
    from edgernn.files import atomic_folder
    from edgernn.network_folder import read_network_folder, write_bundle_file

    network = read_network_folder(folder)
    with working("Quantizing …"), atomic_folder(output) as temporary:
        reports = {
            name: edgernn.quantize(
                network.path(name), temporary / f"{name}.onnx", scheme=scheme, options=options, inline=inline
            )
            for name in network.parts
        }
        write_bundle_file(temporary, network.task, network.parts, network.settings)

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        rows = [
            (
                f"{name}.onnx",
                f"{file_size(report.bytes_before)} → {file_size(report.bytes_after)}",
                f"{report.error.relative:.2%}",
                _kinds(report.nodes),
            )
            for name, report in reports.items()
        ]
        columns = ("graph", "size", "largest error ÷ largest output", "quantized")
        console.print(table(f"Stored as {scheme}", columns, rows))
        next_steps(
            console,
            (["verify", folder, output], "compare it with the float32 graphs"),
            (["bench", output], "how fast its graphs are here"),
        )

    parts = {name: json.loads(report.to_json()) for name, report in reports.items()}
    return Outcome({"path": str(output), "task": network.task, "parts": parts}, show)


def _kinds(nodes: Sequence[str]) -> str:
    """How many nodes there are of each kind, of descriptions "name (Kind)"."""
    counts = Counter(kind for node in nodes for kind in re.findall(r"\((\w+)\)", node)[-1:])
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def verify_parts(source: Source | Path, folder: Path, seed: int, provider: str) -> Outcome:
    """Compare every graph of a network folder with its module, or with that of another folder."""
    import edgernn
    from edgernn.cli.parity_tables import show_parity
    from edgernn.errors import InputError
    from edgernn.network_folder import read_network_folder

    network = read_network_folder(folder)
    modules: dict[str, Any]
    if isinstance(source, Path):
        other = read_network_folder(source)
        modules = {name: (other.path(name), None) for name in other.parts}
    else:
        from edgernn.export_folder import parts_of

        if source.example_inputs is None:
            raise InputError("example: say which inputs the model takes, e.g. --example 1x100x40.")
        found = parts_of(source.model, source.example_inputs)
        modules = {name: (part.module, part.example_inputs) for name, part in found.items()}
    if sorted(modules) != sorted(network.parts):
        raise InputError(
            f"file: {str(folder)!r} has the parts {', '.join(sorted(network.parts))}, the source "
            f"{', '.join(sorted(modules))}. Name the network that it was made from."
        )
    outcomes = {}
    for name in network.parts:
        module, examples = modules[name]
        report = edgernn.verify(
            module, network.path(name), example_inputs=examples, seed=seed, provider=provider
        )
        show = functools.partial(show_parity, report=report, same_weights=None)
        outcomes[name] = Outcome(report.to_json(), show, report.passed)
    return joined(outcomes, {"task": network.task})


def export_parts(found: Source, output: Path, metadata: Mapping[str, object], **options: Any) -> Outcome:
    """Export a network of several graphs into a folder."""
    import edgernn
    from edgernn.cli import manifest_tables
    from edgernn.cli.console import facts, file_size, next_steps

    manifests: dict[str, Manifest] = {}
    assert found.example_inputs is not None
    network = edgernn.export_folder(
        found.model,
        output,
        found.example_inputs,
        metadata=metadata,
        on_part=manifests.__setitem__,
        **options,
    )
    sizes = {name: network.path(name).stat().st_size for name in manifests}

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        for name, manifest in manifests.items():
            console.print(f"\n{name}.onnx", style="bold")
            rows = [
                ("size", file_size(sizes[name])),
                ("form", manifest_tables.form(manifest)),
                ("recurrence", manifest.recurrence),
                ("parity", manifest_tables.parity(manifest)),
            ]
            console.print(facts(rows))
            console.print(manifest_tables.tensors(manifest))
        smaller = output.with_name(f"{output.name}-int8")
        next_steps(
            console,
            (["run", output, "--help"], "what to give it: a text, a file, or lines"),
            (["bench", output], "how fast its graphs are here"),
            (["quantize", output, "-o", smaller], "smaller files"),
        )

    parts = {
        name: {"bytes": sizes[name], "manifest": json.loads(manifest.to_json())}
        for name, manifest in manifests.items()
    }
    return Outcome({"path": str(output), "task": network.task, "parts": parts}, show)


def joined(
    outcomes: Mapping[str, Outcome], data: Mapping[str, Any], head: Callable[[Console], None] | None = None
) -> Outcome:
    """The outcomes of a network's graphs as one: it passes where all pass."""

    def show(console: Console) -> None:
        for name, outcome in outcomes.items():
            console.print(f"\n{name}.onnx", style="bold")
            outcome.show(console)
        if head is not None:
            head(console)

    parts = {
        name: json.loads(outcome.data) if isinstance(outcome.data, str) else outcome.data
        for name, outcome in outcomes.items()
    }
    return Outcome({**data, "parts": parts}, show, all(outcome.passed for outcome in outcomes.values()))
