"""`edgernn inspect`: what a file says of itself."""

from __future__ import annotations

from rich.console import Console

from edgernn.cli.options import Json, ModelFile
from edgernn.cli.outcome import Outcome


def command(file: ModelFile, json: Json = False) -> Outcome:
    """Show what a file says of itself: inputs, outputs, states, latency, scheme, parity, scores.

    With --json the manifest itself. Neither torch nor a run of the model is needed.
    """
    from edgernn.cli import manifest_tables
    from edgernn.cli.console import facts, file_size, table
    from edgernn.cli.model_file import operator_counts, read_manifest
    from edgernn.cli.score_tables import scores
    from edgernn.runtime.metadata import read_header
    from edgernn.runtime.takeover import AUTO, settle

    manifest = read_manifest(file)
    kernels = settle(AUTO, read_header(file).functions)

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
            console.print(manifest_tables.layers(manifest))
        if manifest.scores:
            console.print(scores(manifest.scores, "Scores at training"))
        counts = operator_counts(file)
        if counts is None:
            console.print("Nodes by operator: install the package onnx to count them.")
        else:
            console.print(table("Nodes by operator", ("operator", "nodes"), list(counts.items())))

    return Outcome(manifest.to_json(), show)
