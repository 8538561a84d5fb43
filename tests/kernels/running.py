"""Calling `run_cases`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .cases import Layer, Outputs, from_bytes, to_bytes


def available(command: Sequence[str | os.PathLike[str]]) -> list[str]:
    """The instruction sets that the program can use, the best first; "plain" is the last."""
    return run([*command, "-", "-", "list"]).split()


def answers(
    command: Sequence[str | os.PathLike[str]],
    layers: Sequence[Layer],
    folder: Path,
    instruction_set: str,
    *,
    scheme: str,
    threads: int = 1,
) -> list[Outputs]:
    """What the program gives for the layers."""
    given, found = folder / "cases", folder / f"outputs.{instruction_set}"
    given.write_bytes(b"".join(to_bytes(layer, scheme=scheme) for layer in layers))
    run([*command, given, found, instruction_set, str(threads)])
    return list(from_bytes(layers, found.read_bytes()))


def run(command: Sequence[str | os.PathLike[str]]) -> str:
    """What a program prints; fails where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"
    return done.stdout
