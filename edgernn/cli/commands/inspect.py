"""`edgernn inspect`: what a file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Json, ModelFile
from edgernn.cli.outcome import Outcome


def command(
    file: ModelFile,
    providers: Annotated[
        str | None,
        typer.Option(
            metavar="all|NAME,…",
            help="Show instead which execution provider would take which node, why not, and what helps.",
            autocompletion=completion.placements,
        ),
    ] = None,
    nodes: Annotated[
        bool, typer.Option("--nodes", help="With --providers: node by node, however many.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="With --providers: load the file too, and fail where onnxruntime does otherwise.",
        ),
    ] = False,
    json: Json = False,
) -> Outcome:
    """Show what a file says of itself: inputs, outputs, states, latency, scheme, parity, scores.

    With --json the manifest itself. Neither torch nor a run of the model is needed.

    With --providers any ONNX file will do, and none of the providers need be installed; the package onnx-ir
    is needed to read the graph.
    """
    if file.is_dir():
        from edgernn.cli.folders import by_part

        given = {"providers": providers, "nodes": nodes, "compare": compare, "json": json}
        return by_part(command, file, given)
    if providers is not None:
        return _placement(file, providers, nodes, compare)
    from edgernn.cli import manifest_tables
    from edgernn.cli.console import facts, file_size, table
    from edgernn.cli.model_file import operator_counts, read_manifest
    from edgernn.cli.score_tables import scores
    from edgernn.errors import InputError
    from edgernn.runtime.metadata import read_header
    from edgernn.runtime.takeover import AUTO, settle

    if nodes or compare:
        raise InputError("--nodes and --compare go with --providers.")
    manifest = read_manifest(file)
    functions = read_header(file).functions
    kernels = settle(AUTO, functions)

    def show(console: Console) -> None:
        console.print(
            facts(
                [
                    ("file", file),
                    ("size", file_size(file.stat().st_size)),
                    ("edgernn's kernels here", kernels),
                ]
            )
        )
        console.print(manifest_tables.about(manifest))
        console.print(manifest_tables.tensors(manifest))
        if manifest.layers:
            console.print(manifest_tables.layers(manifest, [name for _, name in functions]))
        if manifest.scores:
            console.print(scores(manifest.scores, "Scores at training"))
        counts = operator_counts(file)
        if counts is None:
            console.print("Nodes by operator: install the package onnx to count them.")
        else:
            console.print(table("Nodes by operator", ("operator", "nodes"), list(counts.items())))

    return Outcome(manifest.to_json(), show)


def _placement(file: Path, providers: str, nodes: bool, compare: bool) -> Outcome:
    from dataclasses import asdict

    from edgernn.cli.placement_tables import show_placement
    from edgernn.cli.self_test import providers as installed
    from edgernn.placement import known, place

    names = list(known()) if providers == "all" else [name.strip() for name in providers.split(",")]
    report = place(file, names)
    present = [name for name, install in installed().items() if not install]
    assignments = []
    if compare:
        from edgernn.placement.assignment import compare_report

        assignments = compare_report(
            report, [name for name in names if name in present or providers != "all"]
        )

    def show(console: Console) -> None:
        show_placement(console, report, present, assignments, nodes)

    data = {**report.to_dict(), "present": present, "assignments": [asdict(item) for item in assignments]}
    return Outcome(data, show, all(item.agrees for item in assignments))
