"""`edgernn bench`: how fast a file runs on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli.options import Example, Json, Provider, RecipeFolder, Threads, Weights
from edgernn.cli.outcome import Outcome


def command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="An .onnx file of edgernn; left out with --suite."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Its torch model, to measure torch and the exporter's usual way beside it."),
    ] = None,
    weights: Weights = None,
    example: Example = None,
    recipe: RecipeFolder = None,
    against: Annotated[
        Path | None, typer.Option(help="Another .onnx file of the same network to compare with.")
    ] = None,
    fail_if_slower: Annotated[
        float | None,
        typer.Option(
            metavar="FACTOR", help="Exit with 1 where the file takes more than FACTOR × the baseline's time."
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="Run a set of measurements instead: targets, or matrix, which takes hours."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE,VALUE", help="The part of a suite to run, e.g. hidden=64,128."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="Folder for a suite's rows, as they come, and its pictures; what is there is not run again.",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Rows of a call.")] = 1,
    steps: Annotated[
        int | None, typer.Option(help="Time steps of a call.", show_default="the file's, else 1 or 100")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds in which all take turns; more are more certain.")] = 9,
    threads: Threads = 1,
    provider: Provider = "cpu",
    cold_start: Annotated[
        bool, typer.Option("--cold-start/--no-cold-start", help="Also measure start and memory.")
    ] = True,
    calls: Annotated[
        int, typer.Option(help="Also make so many calls in a row, e.g. 100000: rare latencies, memory.")
    ] = 0,
    json: Json = False,
) -> Outcome:
    """Measure a file on this machine: latency, throughput, cold start, memory, and ratios to other ways.

    The baseline of --fail-if-slower is the file given as --against; else, with --source, the exporter's usual
    way; else plain onnxruntime. With --suite the exit code is 1 where a target is missed, or nothing ran.
    """
    from edgernn.errors import InputError

    if suite is not None:
        alone = {
            "FILE": file, "--source": source, "--weights": weights, "--example": example, "--recipe": recipe,
            "--against": against, "--fail-if-slower": fail_if_slower, "--steps": steps,
        }  # fmt: skip
        taken = [name for name, value in alone.items() if value is not None]
        if taken:
            raise InputError(f"--suite runs a fixed set of measurements; leave out {', '.join(taken)}.")
        return _suite(suite, rounds, only or [], out)
    if only or out is not None:
        raise InputError("--only and --out belong to a --suite; name that too.")
    if file is None:
        raise InputError("FILE is missing: name an .onnx file of edgernn, or a --suite.")
    if file.is_dir():
        from edgernn.cli.folders import by_part, refuse_for_folder

        refuse_for_folder({"--source": source, "--against": against}, file)
        given = {
            "fail_if_slower": fail_if_slower, "batch": batch, "steps": steps, "rounds": rounds,
            "threads": threads, "provider": provider, "cold_start": cold_start, "calls": calls,
        }  # fmt: skip
        return by_part(command, file, given)
    from edgernn.bench import bench, render
    from edgernn.cli.console import working

    found = None
    if source is not None:
        from edgernn.source import load_source

        found = load_source(source, weights, example, recipe=recipe)
    elif weights is not None or example is not None or recipe is not None:
        raise InputError("--weights, --example and --recipe belong to a --source; name that too.")
    with working("Measuring …"):
        report = bench(
            file,
            source=None if found is None else found.model,
            example_inputs=None if found is None else found.example_inputs,
            against=against,
            batch=batch,
            steps=steps,
            rounds=rounds,
            threads=threads,
            provider=provider,
            processes=3 if cold_start else 0,
            calls=calls,
        )
    slower = fail_if_slower is not None and report.slower_than(fail_if_slower)

    def show(console: Console) -> None:
        console.print(render(report))
        if fail_if_slower is not None:
            ratio = f"{report.ratio.median:.2f} × the time of {report.baseline}, allowed {fail_if_slower:g} ×"
            console.print(
                f"{'Too slow' if slower else 'Fast enough'}: {ratio}.",
                style="bold red" if slower else "bold green",
            )

    return Outcome(report.to_json(), show, passed=not slower)


def _suite(name: str, rounds: int, only: list[str], out: Path | None) -> Outcome:
    from edgernn.bench import draw_suite, run_suite
    from edgernn.cli.console import stderr

    console = stderr()
    report = run_suite(
        name,
        rounds=rounds,
        only=only,
        out=out,
        on_row=lambda row: console.print(
            f"{row.what}, {row.hidden_size}: {row.ratio.median:.2f}", style="dim"
        ),
    )
    pictures = [] if out is None else draw_suite(report, out)

    def show(console: Console) -> None:
        console.print(report.render())
        for picture in pictures:
            console.print(f"{picture}")

    return Outcome(report.to_json(), show, report.met)
