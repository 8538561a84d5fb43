"""Printing for people: tables, errors, what to type next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

# Columns of a file or a pipe: there is no screen to fit, and a cut table is no use to grep.
_PIPE_WIDTH = 200


def stdout() -> Console:
    """A console on standard output that takes text as it is: no markup in brackets, no emoji in colons."""
    return _console(stderr=False)


def stderr() -> Console:
    """The same on standard error."""
    return _console(stderr=True)


def _console(stderr: bool) -> Console:
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr, markup=False, emoji=False, highlight=False, width=None if terminal else _PIPE_WIDTH
    )


def print_error(message: str) -> None:
    """Tell an error on standard error: in a panel on a screen, as one line in a log."""
    console = stderr()
    if console.is_terminal:
        console.print(Panel(Text(message), title="Error", title_align="left", border_style="red"))
    else:
        console.print(f"Error: {message}", soft_wrap=True)


def print_note(message: str) -> None:
    """Tell something on standard error that is no error."""
    stderr().print(f"Note: {message}", soft_wrap=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show, on a screen, that something takes a while."""
    console = stderr()
    if not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


@contextmanager
def progress(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show, on a screen, a bar; gives what takes (the next thing's name, how much is done, of how much)."""
    console = stderr()
    if not console.is_terminal:
        yield lambda name, done, total: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what)
        yield lambda name, done, total: bar.update(
            task, description=f"{what}: {name}", completed=done, total=total
        )


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table; columns whose cells are all numbers stand to the right, empty columns are left out."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    cells = [[show(cell) for cell in row] for row in rows]
    kept = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    for index in kept:
        numeric = all(isinstance(row[index], int | float) for row in rows)
        made.add_column(columns[index], justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        made.add_row(*(row[index] for index in kept))
    return made


def facts(rows: Sequence[tuple[str, object]]) -> Table:
    """Names and values, without lines; those without a value are left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in rows:
        if show(value):
            made.add_row(name, show(value))
    return made


def show(value: object) -> str:
    """A value as people read it: four significant digits, yes and no, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"
    return str(value)


def file_size(size: int) -> str:
    """A number of bytes as people read it."""
    if size < 1000:
        return f"{size} bytes"
    for unit in ("kB", "MB"):
        size_in_unit = size / (1e3 if unit == "kB" else 1e6)
        if size_in_unit < 1000:
            return f"{size_in_unit:.1f} {unit}"
    return f"{size / 1e9:.1f} GB"


def next_steps(console: Console, *commands: tuple[Sequence[object], str]) -> None:
    """Print what to type next: commands as words, each with what it does."""
    lines = [(shlex.join(["edgernn", *map(str, words)]), what) for words, what in commands]
    width = max(len(line) for line, _ in lines)
    console.print("\nNext:", style="bold")
    for line, what in lines:
        console.print(f"  {line:<{width}}  # {what}", soft_wrap=True)
