"""Options of a recipe on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgernn.cli.outcome import Outcome
from edgernn.errors import InputError


def merge(settings: Sequence[str] | None, **named: Any) -> dict[str, Any]:
    """The recipe's options: those with a command line option of their own, and KEY=VALUE of `--set`.

    Raises:
        InputError: a setting that is no KEY=VALUE, or an option that is given twice.
    """
    options = {name: value for name, value in named.items() if value not in (None, [])}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise InputError(f"--set: {setting!r} is no KEY=VALUE; write e.g. --set hidden_size=64.")
        if name in options:
            raise InputError(f"--set: {name} is given twice.")
        options[name] = value
    return options


def options_outcome(recipe: str) -> Outcome:
    """The options that a recipe takes, for `edgernn train RECIPE --options`."""
    from rich.console import Console

    from edgernn.cli.console import show, table
    from edgernn.training import describe_options, find_recipe

    found = find_recipe(recipe)
    options = describe_options(found.options_type)

    def show_options(console: Console) -> None:
        console.print(found.summary, soft_wrap=True)
        rows = [
            (item.name, item.type, _default(item.default, show(item.default)), item.help) for item in options
        ]
        console.print(table("Options, for --set KEY=VALUE", ("option", "type", "default", "meaning"), rows))

    return Outcome({"recipe": found.name, "options": [vars(item) for item in options]}, show_options)


def _default(value: object, text: str) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else text or "none"
