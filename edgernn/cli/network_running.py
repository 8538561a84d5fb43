"""`edgernn run` on a network of several graphs: texts in, texts or a file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.cli.outcome import Outcome
from edgernn.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from edgernn.cli.makers import Made


def run_network(
    folder: Path,
    inputs: Sequence[str],
    prompt: str | None,
    output: Path | None,
    settings: Mapping[str, Any],
    *,
    seed: int | None,
    provider: Sequence[str],
    threads: int,
    json: bool,
) -> Outcome:
    """Answer the prompt or the lines of standard input, or make a file of the prompt.

    Raises:
        InputError: the network takes no such input.
    """
    from edgernn.cli.answers import answers_for
    from edgernn.cli.makers import find_maker, make, read_options
    from edgernn.cli.text_lines import answer_texts
    from edgernn.runtime.network import load_network

    network = load_network(folder, provider=provider if len(provider) > 1 else provider[0], threads=threads)
    maker = find_maker(network.task)
    if maker is not None and prompt is not None:
        return made_outcome(make(maker, network, prompt, output, settings, seed), prompt, output)
    module = answers_for(network.task)
    if module is None or not (prompt is not None or list(inputs) == ["-"]):
        ways = [
            *(["--prompt TEXT -o FILE"] if maker else ["--prompt TEXT"] if module else []),
            *(["- for lines of text"] if module else []),
        ]
        raise InputError(
            f"INPUT: the network {str(folder)!r} (task {network.task!r}) takes "
            f"{' or '.join(ways) or 'its inputs through Python: edgernn.runtime.network.load_network'}."
        )
    if output is not None:
        raise InputError("--output: answers are printed; redirect standard output instead.")
    options = read_options(module.Options, settings) if hasattr(module, "Options") else None
    if options is None and settings:
        raise InputError(f"--set: unknown option {next(iter(settings))!r}; there are none for this network.")

    def answers(session: Any, lines: Any) -> Any:
        return module.answers(session, lines) if options is None else module.answers(session, lines, options)

    if prompt is None:
        answer_texts(network, answers, json)
        return Outcome(None, lambda console: None)
    found = list(answers(network, iter([prompt])))
    return Outcome(
        found[0].data if found else {"text": prompt},
        lambda console: console.print(
            "\n".join(answer.text for answer in found), markup=False, soft_wrap=True, highlight=False
        ),
    )


def made_outcome(made: Made, prompt: str, output: Path | None) -> Outcome:
    """What is printed when a file was made."""

    def show(console: Console) -> None:
        console.print(f"Wrote {output}", style="bold green", soft_wrap=True)
        for line in made.lines:
            console.print(line, markup=False, soft_wrap=True)

    return Outcome({"path": str(output), "prompt": prompt, **made.data}, show)
