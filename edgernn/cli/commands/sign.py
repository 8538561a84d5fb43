"""`edgernn sign`: a signature for what is shipped, and the check of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edgernn.cli.options import Json
from edgernn.cli.outcome import Outcome


def command(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="A file, or the folder of a bundle.", show_default=False),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The private key to sign with.")] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The public key to check the signature of PATH with.")
    ] = None,
    new_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Make a key: FILE to keep, FILE.pub to give away.")
    ] = None,
    json: Json = False,
) -> Outcome:
    """Sign a file or a bundle with ed25519, or check that one is what was signed.

    The signature is a file of its own with the SHA-256 of every file. --check exits with 1 where a file was
    changed, added or removed, or where another key signed. EDGERNN_KEY_PASSWORD encrypts the private key.
    """
    from edgernn.bundle import signing
    from edgernn.errors import InputError, SignatureError

    if sum(option is not None for option in (key, check, new_key)) != 1 or (path is None) != (
        new_key is not None
    ):
        raise InputError("give --new-key FILE alone, or PATH with either --key FILE or --check FILE.")
    if new_key is not None:
        public = signing.new_key(new_key)
        made = {"private": str(new_key), "public": str(public)}
        return Outcome(made, lambda console: _say(console, f"Wrote {new_key} (keep it) and {public}"))
    assert path is not None
    if key is not None:
        written = signing.sign(path, key)
        return Outcome({"signature": str(written)}, lambda console: _say(console, f"Wrote {written}"))
    assert check is not None
    try:
        files = signing.check(path, check)
    except SignatureError as error:
        said = str(error)
        outcome = {"passed": False, "reason": said}
        return Outcome(outcome, lambda console: console.print(said, style="bold red", soft_wrap=True), False)
    count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
    return Outcome(
        {"passed": True, "files": files}, lambda console: _say(console, f"{path} is what was signed: {count}")
    )


def _say(console: Console, text: str) -> None:
    console.print(text, style="bold green", soft_wrap=True)
