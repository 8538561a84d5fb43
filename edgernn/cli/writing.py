"""A language model writes on behind a prompt, as text that appears as it comes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.runtime import Session

DEFAULT_LENGTH = 500


@dataclass(frozen=True)
class Writing:
    """What to write; None: the default.

    Attributes:
        prompt: the text that is gone on from.
        length: symbols to write.
        temperature, top_k, seed: see `edgernn.runtime.sampling.write_on`.
    """

    prompt: str | None
    length: int | None
    temperature: float | None
    top_k: int | None
    seed: int | None

    def check(self, inputs: list[str], mic: bool) -> None:
        """Raise InputError where not one of inputs, microphone and prompt is given, or an option lacks it."""
        if self.prompt is not None and inputs:
            raise InputError(f"--prompt: the model goes on from it and takes no INPUT, found {inputs[0]!r}.")
        if (self.prompt is not None) + bool(inputs) + mic != 1:
            raise InputError(
                "INPUT: name a file for each input, a folder, or -; or give --mic to listen, or --prompt to "
                "write on, and one of these."
            )
        alone = {
            "--length": self.length, "--temperature": self.temperature, "--top-k": self.top_k,
            "--seed": self.seed,
        }  # fmt: skip
        found = [name for name, value in alone.items() if value is not None]
        if self.prompt is None and found:
            raise InputError(f"{found[0]}: it is for writing on; give --prompt too.")


def write_text(session: Session, writing: Writing, show: bool) -> str:
    """The text that a model writes behind the prompt; printed as it comes where `show` is set."""
    from edgernn.cli.console import print_note
    from edgernn.features.characters import Characters
    from edgernn.runtime.sampling import write_on

    assert writing.prompt is not None
    characters = Characters(session.manifest.vocabulary)
    start = characters.encode(writing.prompt)
    unknown = 0 if characters.bytes else start.count(0)
    if unknown:
        print_note(f"{unknown} characters of the prompt are none that the model knows.")
    written = write_on(
        session,
        start,
        DEFAULT_LENGTH if writing.length is None else writing.length,
        temperature=1.0 if writing.temperature is None else writing.temperature,
        top_k=writing.top_k or 0,
        seed=writing.seed,
    )
    decode, found = characters.decoder(), []
    if show:
        sys.stdout.write(writing.prompt)
    for number in written:
        text = decode(number)
        found.append(text)
        if show:
            sys.stdout.write(text)
            sys.stdout.flush()
    if show:
        sys.stdout.write("\n")
    return "".join(found)
