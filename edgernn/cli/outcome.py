"""What every command has in common: how results are printed, and which exit code follows."""

from __future__ import annotations

import functools
import json as json_text
import math
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from edgernn.errors import EdgeRNNError, ParityError
from edgernn.training.processes import prints, tells_errors

if TYPE_CHECKING:
    from rich.console import Console

SUCCESS, CHECK_FAILED, BAD_INPUT = 0, 1, 2
# As shells have it: 70 for an error inside a program, 128 + the signal for one that a signal ended.
INTERNAL_ERROR, INTERRUPTED, BROKEN_PIPE = 70, 130, 141


@dataclass(frozen=True)
class Outcome:
    """What a command found.

    Attributes:
        data: what `--json` prints: a mapping, or the JSON text of one; None where all is printed already.
        show: prints it for people.
        passed: False where a check failed; the command then exits with 1.
    """

    data: Mapping[str, Any] | str | None
    show: Callable[[Console], None]
    passed: bool = True


def reported(command: Callable[..., Outcome]) -> Callable[..., None]:
    """`command` with its outcome printed, its errors told in a line, and the exit code that belongs to it."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        raise typer.Exit(_run(functools.partial(command, *args, **kwargs), bool(kwargs.get("json"))))

    return run


def print_json(data: Any) -> None:
    """Print one line of strict JSON, at once: infinity and NaN, which JSON has no number for, become null."""
    sys.stdout.write(json_text.dumps(_strict(data), ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def _run(command: Callable[[], Outcome], json: bool) -> int:
    try:
        outcome = command()
        if not prints():
            pass
        elif not json:
            from edgernn.cli.console import stdout

            outcome.show(stdout())
        elif outcome.data is not None:
            print_json(json_text.loads(outcome.data) if isinstance(outcome.data, str) else outcome.data)
        sys.stdout.flush()
        return SUCCESS if outcome.passed else CHECK_FAILED
    except ParityError as error:
        return _tell(str(error), CHECK_FAILED)
    except EdgeRNNError as error:
        return _tell(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, e.g. `| head -1`. Python flushes stdout once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except ModuleNotFoundError as error:
        from edgernn.cli.packages import extra_of

        extra = extra_of(error.name or "")
        if extra is None:
            return _internal_error()
        return _tell(
            f"this command needs the package {error.name!r}, which is not installed. "
            f"Install it with: pip install 'edgernn[{extra}]'",
            BAD_INPUT,
        )
    except OSError as error:
        if error.filename is None:
            return _internal_error()
        return _tell(f"{error.filename!r}: {error.strerror}.", BAD_INPUT)
    except Exception:  # noqa: BLE001 - told in full, with a code that no script takes for a failed check
        return _internal_error()


def _tell(message: str, code: int) -> int:
    from edgernn.cli.console import print_error

    if os.environ.get("EDGERNN_DEBUG", "") not in ("", "0"):
        traceback.print_exc()
    if tells_errors():
        print_error(message)
    return code


def _internal_error() -> int:
    traceback.print_exc()
    from edgernn.cli.console import print_error

    print_error(
        "this is an error in edgernn, or in a package it uses. Please report it with the lines above."
    )
    return INTERNAL_ERROR


def _strict(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value
