"""The command line `edgernn`: one thin file a command in `edgernn/cli/commands/`."""

from __future__ import annotations


def main() -> None:
    """Run the command that was typed, and exit with its code; the program's entry point."""
    from edgernn.cli.app import build_app

    build_app()(prog_name="edgernn")
