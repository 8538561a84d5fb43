"""`edgernn verify`: whether a file computes what its network computes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli.options import Example, Json, ModelFile, Provider, RecipeFolder, Weights
from edgernn.cli.outcome import Outcome


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A run folder of edgernn train, package.module:factory, or another .onnx file of edgernn.",
            show_default=False,
        ),
    ],
    file: ModelFile,
    weights: Weights = None,
    example: Example = None,
    seed: Annotated[int, typer.Option(help="Seed of the random inputs and chunk schedules.")] = 0,
    provider: Provider = "cpu",
    recipe: RecipeFolder = None,
    json: Json = False,
) -> Outcome:
    """Compare a file with the network it was made from, and fail where they differ.

    Batches and lengths are other than at export; a streaming file is cut into random chunks. The exit code is
    1 where a check fails. --provider runs the file there: the parity test of a device.
    """
    import edgernn
    from edgernn.cli.console import working
    from edgernn.cli.parity_tables import show_parity
    from edgernn.errors import InputError
    from edgernn.files import existing_file

    if file.is_dir():
        return _verify_folder(source, file, weights, example, seed, provider, recipe)
    existing_file(file, "model")
    if source.endswith(".onnx"):
        if weights is not None or example is not None or recipe is not None:
            raise InputError("weights, example and recipe are for a torch source, not for an .onnx file.")
        with working("Comparing …"):
            report = edgernn.verify(existing_file(Path(source), "source"), file, seed=seed, provider=provider)
        same_weights = None
    else:
        from edgernn.cli.model_file import read_manifest
        from edgernn.graph.build import weights_digest
        from edgernn.source import load_source

        found = load_source(source, weights, example, recipe=recipe)
        with working("Comparing …"):
            report = edgernn.verify(
                found.model, file, example_inputs=found.example_inputs, seed=seed, provider=provider
            )
        same_weights = weights_digest(found.model) == read_manifest(file).weights_sha256

    def show(console: Console) -> None:
        show_parity(console, report, same_weights)

    return Outcome(report.to_json(), show, report.passed)


def _verify_folder(
    source: str,
    folder: Path,
    weights: Path | None,
    example: str | None,
    seed: int,
    provider: str,
    recipe: Path | None,
) -> Outcome:
    """Of a network of several graphs."""
    from edgernn.cli.console import working
    from edgernn.cli.folders import verify_parts
    from edgernn.network_folder import is_network_folder
    from edgernn.source import load_source

    if is_network_folder(source):
        with working("Comparing …"):
            return verify_parts(Path(source), folder, seed, provider)
    found = load_source(source, weights, example, recipe=recipe)
    with working("Comparing …"):
        return verify_parts(found, folder, seed, provider)
