"""`edgernn export`: a torch model as an ONNX file, proven equal."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console

from edgernn.cli import completion
from edgernn.cli.options import Example, Json, OutputFile, RecipeFolder, SourceName, Weights
from edgernn.cli.outcome import Outcome


def command(
    source: SourceName,
    output: OutputFile,
    recurrence: Annotated[
        str,
        typer.Option(
            help="How the recurrence is written: op, scan, loop, unrolled or auto.",
            autocompletion=completion.recurrences,
        ),
    ] = "auto",
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Make states inputs and outputs, to run chunk by chunk.")
    ] = False,
    chunk: Annotated[
        int | None, typer.Option(help="Time steps of every push of a streaming file.", show_default="any")
    ] = None,
    lookahead: Annotated[
        int | None,
        typer.Option(
            help="Steps of the future that a streaming file's outputs may wait for.",
            show_default="what the model says of itself, else 0",
        ),
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Time steps of a sequence file.", show_default="any")
    ] = None,
    fix_batch: Annotated[
        bool, typer.Option("--fix-batch", help="Take one row alone: some accelerators need fixed shapes.")
    ] = False,
    provider: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="PROVIDER",
            help="Choose recurrence and shapes for an execution provider: nnapi, coreml, openvino, …",
            autocompletion=completion.placements,
        ),
    ] = None,
    opset: Annotated[int | None, typer.Option(help="ONNX operator set.", show_default="18")] = None,
    time_dim: Annotated[int, typer.Option(help="Which dimension of the inputs is time.")] = 1,
    dims: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=A,B,…",
            help="Dimensions of an input that is not (batch, time, …), e.g. h0=-,batch,-; may be repeated.",
        ),
    ] = None,
    example: Example = None,
    weights: Weights = None,
    output_names: Annotated[
        str | None, typer.Option(metavar="A,B", help="Names of the outputs, in the order of the forward.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="What the network is for, e.g. forecast.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the input, e.g. °C.")] = None,
    sample_rate: Annotated[float | None, typer.Option(help="Time steps per second.")] = None,
    labels: Annotated[str | None, typer.Option(metavar="A,B", help="Names of the classes, by index.")] = None,
    kernels: Annotated[
        bool,
        typer.Option(
            "--kernels",
            help="Write recurrent layers, of edgernn's own cells too, so that its kernels can take over.",
        ),
    ] = False,
    recipe: RecipeFolder = None,
    json: Json = False,
) -> Outcome:
    """Write a torch model as an ONNX file that stock onnxruntime runs, and prove it equal.

    The file is compared with torch and with the float64 reference before it is written; one that differs is
    not written (exit code 1). With --for a provider's rules choose the form. A network of several graphs, as
    an encoder and a decoder, is written into a folder where -o names no .onnx file. Such a folder as SOURCE
    becomes one file, which writes the likeliest symbol each time.
    """
    import edgernn
    from edgernn.cli import manifest_tables
    from edgernn.cli.console import facts, file_size, next_steps, working
    from edgernn.cli.folders import export_parts
    from edgernn.cli.makers import find_maker
    from edgernn.cli.placement_tables import share
    from edgernn.cli.sounds import gives_sound, takes_sound
    from edgernn.errors import InputError
    from edgernn.models import Seq2Seq
    from edgernn.models.parts import Parted
    from edgernn.network_folder import is_network_folder
    from edgernn.placement import place
    from edgernn.source import load_source

    if is_network_folder(source):
        return _greedy(Path(source), output)
    found = load_source(source, weights, example, recipe=recipe)
    if found.example_inputs is None:
        raise InputError("example: say which inputs the model takes, e.g. --example 1x100x40.")
    given: dict[str, Any] = {"task": task, "unit": unit, "sample_rate": sample_rate, "labels": _words(labels)}
    options: dict[str, Any] = {} if opset is None else {"opset": opset}
    about = {**found.metadata, **{name: value for name, value in given.items() if value is not None}}
    if isinstance(found.model, Parted):
        for_one = {
            "--streaming": streaming, "--chunk": chunk, "--lookahead": lookahead, "--length": length,
            "--fix-batch": fix_batch, "--for": provider, "--dims": dims, "--output-names": output_names,
        }  # fmt: skip
        wrong = [name for name, value in for_one.items() if value]
        if wrong:
            raise InputError(f"{wrong[0]}: the graphs of a folder say that themselves; leave it out.")
        options |= {"recurrence": recurrence, "kernels": kernels}
        if output.suffix != ".onnx":
            with working("Exporting, and comparing the files with the model …"):
                return export_parts(found, output, about, **options)
        if not isinstance(found.model, Seq2Seq):
            raise InputError(
                f"--output: this is a network of several graphs; name a folder, not the file {str(output)!r}."
            )
        with TemporaryDirectory() as folder:
            network = Path(folder) / "network"
            with working("Exporting, and comparing the graphs with the model …"):
                edgernn.export_folder(found.model, network, found.example_inputs, metadata=about, **options)
            return _greedy(network, output)
    with working("Exporting, and comparing the file with the model …"):
        manifest = edgernn.export(
            found.model,
            output,
            found.example_inputs,
            recurrence=recurrence,
            streaming=streaming,
            chunk=chunk,
            lookahead=lookahead,
            length=length,
            time_dim=time_dim,
            dims=_dims(dims),
            output_names=_words(output_names),
            kernels=kernels,
            fix_batch=fix_batch,
            provider=provider,
            metadata=about,
            **options,
        )
    size = output.stat().st_size
    placement = None if provider is None else place(output, [provider]).of(provider)

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        console.print(
            facts(
                [
                    ("size", file_size(size)),
                    ("form", manifest_tables.form(manifest)),
                    ("recurrence", manifest.recurrence),
                    ("latency", manifest_tables.latency(manifest) if manifest.streaming else None),
                    ("parity", manifest_tables.parity(manifest)),
                    (f"nodes that {provider} takes", None if placement is None else share(placement)),
                ]
            )
        )
        console.print(manifest_tables.tensors(manifest))
        maker = find_maker(manifest.task)
        if maker is not None:
            made = f"out{maker.SUFFIXES[0]}"
            run = (["run", output, "--prompt", "hello", "-o", made], "write a file of a text")
        elif gives_sound(manifest):
            run = (["run", output, "recording.wav", "-o", "out.wav"], "run it on a recording")
        elif takes_sound(manifest):
            run = (["run", output, "recording.wav"], "run it on a recording")
        elif manifest.streaming:
            run = (["run", output, "-"], "one line of values in, one line out")
        else:
            run = (["run", output, "input.npy"], "run it on an array or a .csv file")
        smaller = output.with_name(f"{output.stem}-int8.onnx")
        steps = [
            run,
            (["bench", output], "how fast it is here"),
            (["quantize", output, "-o", smaller], "a smaller file"),
        ]
        if provider is not None:
            extra = {"--weights": weights, "--example": example, "--provider": provider}
            words = [word for pair in extra.items() if pair[1] is not None for word in pair]
            steps = [
                (["inspect", output, "--providers", provider], f"node by node what {provider} takes"),
                (["verify", source, output, *words], "on a device: whether it computes the same"),
            ]
        next_steps(console, *steps)

    data: dict[str, Any] = {
        "path": str(output),
        "bytes": size,
        "manifest": json_text.loads(manifest.to_json()),
    }
    if placement is not None:
        data["placement"] = asdict(placement)
    return Outcome(data, show)


def _greedy(folder: Path, output: Path) -> Outcome:
    """An encoder and a decoder as one file that writes by itself."""
    import edgernn
    from edgernn.cli import manifest_tables
    from edgernn.cli.console import facts, file_size, next_steps, working

    with working("Joining the graphs, and comparing what they write …"):
        manifest = edgernn.export_greedy(folder, output)
    size = output.stat().st_size

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        rows = [("size", file_size(size)), ("parity", manifest_tables.parity(manifest))]
        console.print(facts(rows))
        console.print(manifest_tables.tensors(manifest))
        next_steps(
            console, (["run", output, "-"], "one text a line"), (["bench", output], "how fast it is here")
        )

    return Outcome(
        {"path": str(output), "bytes": size, "manifest": json_text.loads(manifest.to_json())}, show
    )


def _dims(settings: list[str] | None) -> dict[str, list[str | None]] | None:
    """`--dims` as `edgernn.export` takes them: names of dimensions by input, - for one without a name."""
    from edgernn.errors import InputError

    found: dict[str, list[str | None]] = {}
    for setting in settings or ():
        name, equals, words = setting.partition("=")
        if not equals:
            raise InputError(f"--dims: {setting!r} is no NAME=A,B,…; write e.g. --dims h0=-,batch,-.")
        found[name.strip()] = [None if word == "-" else word for word in _words(words) or ()]
    return found or None


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",")]
