"""Putting the command line together: every module of `edgernn/cli/commands/` is a command."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Annotated

import typer

import edgernn
from edgernn.cli import commands
from edgernn.cli.outcome import Outcome, reported


def build_app() -> typer.Typer:
    """The command line. A command's name is its file's name, its help the docstring of its `command`."""
    app = typer.Typer(
        no_args_is_help=True,
        # Errors are told in one line; with EDGERNN_DEBUG=1 with Python's own traceback.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_edgernn)
    for name in command_names():
        module = importlib.import_module(f"{commands.__name__}.{name}")
        app.command(name.replace("_", "-"), help=_help(module.command))(reported(module.command))
    return app


def command_names() -> list[str]:
    """Names of the modules that are commands."""
    return sorted(item.name for item in pkgutil.iter_modules(commands.__path__))


def _help(command: Callable[..., Outcome]) -> str:
    """The docstring, each paragraph on one line: the terminal's width decides where lines break."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgernn {edgernn.__version__}")
        raise typer.Exit


def _edgernn(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Recurrent networks from PyTorch to a device: one definition, every deployable form, proven equal.

    Exit codes: 0 success, 1 a check failed, 2 wrong use or bad input. EDGERNN_DEBUG=1 shows tracebacks.
    """
