"""`edgernn doctor`: what this machine has, and whether edgernn works on it."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console

from edgernn.cli.options import Json
from edgernn.cli.outcome import Outcome


def command(json: Json = False) -> Outcome:
    """Show versions, providers, processor and recipes, and try the whole way on a tiny network.

    The exit code is 1 where that self test fails. A missing package is no failure; it is named with what
    brings it.
    """
    from edgernn.cli.console import facts, table, working
    from edgernn.cli.machine import describe
    from edgernn.cli.packages import installed
    from edgernn.cli.self_test import providers, recipes, self_test
    from edgernn.kernels import find

    packages, machine, library = installed(), describe(), find()
    kernels = "none; `edgernn kernels build` compiles them"
    if library is not None:
        kernels = f"{library.instruction_set}, of {', '.join(library.available)}; {library.path}"
    known_providers, known_recipes = providers(), recipes()
    with working("Self test: exporting, verifying and streaming a tiny network …"):
        result = self_test()

    def show(console: Console) -> None:
        console.print(
            table(
                "Packages",
                ("package", "version", "needed for", "to get it"),
                [(item.name, item.version or "missing", item.needed_for, item.install) for item in packages],
            )
        )
        console.print(
            table(
                "Execution providers",
                ("provider", "present", "to get it"),
                [(name, not install, install) for name, install in known_providers.items()],
            )
        )
        console.print(
            facts(
                [
                    ("recipes", ", ".join(known_recipes) or "none found"),
                    *machine.items(),
                    ("kernels", kernels),
                ]
            )
        )
        console.print(
            f"\nSelf test {result.result}: {result.detail}",
            style={"passed": "bold green", "failed": "bold red"}.get(result.result, "bold"),
            soft_wrap=True,
        )

    data = {
        "packages": [asdict(item) for item in packages],
        "providers": {
            name: {"present": not install, "install": install} for name, install in known_providers.items()
        },
        "machine": machine,
        "recipes": known_recipes,
        "kernels": {
            "library": None if library is None else str(library.path),
            "instruction_set": None if library is None else library.instruction_set,
        },
        "self_test": asdict(result),
    }
    return Outcome(data, show, passed=result.result != "failed")
