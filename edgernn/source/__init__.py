"""Where a command's torch model comes from: a run folder of `edgernn train`, or an import path."""

from __future__ import annotations

import importlib
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.source.example import parse_example
from edgernn.source.weights import set_weights

__all__ = ["Source", "load_source", "parse_example", "set_weights"]


@dataclass(frozen=True, eq=False)
class Source:
    """A torch model and what is known of it.

    Attributes:
        model: the module, in evaluation mode, on the CPU.
        example_inputs: inputs of its forward; None where nobody said what they look like.
        metadata: what `edgernn.export` takes as metadata: task, unit, sample rate, scores and so on.
    """

    model: nn.Module
    example_inputs: tuple[Tensor, ...] | None
    metadata: dict[str, object] = field(default_factory=dict)


def load_source(
    source: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None = None,
    example: str | None = None,
    *,
    recipe: str | os.PathLike[str] | None = None,
) -> Source:
    """The torch model that `source` names.

    Args:
        source: a run folder of `edgernn train`; or `package.module:factory`, a module object, or a class or
            function that is called without arguments and gives a module. The working folder is importable.
            Weights that the factory draws at random are drawn from seed 0, the same in every call.
        weights: of an import path: a .safetensors file, or a .pt or .pth file with a state_dict.
        example: shapes of the inputs, e.g. "1x100x40,4:int64"; see `parse_example`.
        recipe: of a run folder: the folder of its recipe, where that does not ship with edgernn.

    Raises:
        InputError: an argument is not what it must be, the factory fails, or the weights do not fit.
        ModelError: the run folder is damaged.
    """
    examples = None if example is None else parse_example(example)
    text = os.fspath(source)
    if Path(text).is_dir():
        if weights is not None:
            raise InputError(f"weights: the run folder {text!r} has its own; they are for an import path.")
        return _from_run(text, examples, recipe)
    if recipe is not None:
        raise InputError(f"recipe: it is for a run folder of edgernn train, and {text!r} is none.")
    if text.endswith(".onnx"):
        raise InputError(f"source: {text!r} is an ONNX file; name the torch model, e.g. my_models:Net.")
    module_name, colon, attribute = text.partition(":")
    if not colon or not attribute or not re.fullmatch(r"\w+(\.\w+)*", module_name):
        raise InputError(
            f"source: {text!r} is neither the folder of a training run (there is none) nor an import "
            "path. Write package.module:factory, e.g. my_models:Net for the class Net in my_models.py."
        )
    # Weights that nobody gave are random; drawn alike in every call, a file can be verified against them.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = _import(module_name, attribute)
        torch.manual_seed(0)  # the import may have drawn some, and happens once in a process
        model = _call(found, text)
    if weights is not None:
        set_weights(model, weights)
    return Source(model.cpu().eval(), examples)


def _from_run(
    folder: str, examples: tuple[Tensor, ...] | None, recipe: str | os.PathLike[str] | None
) -> Source:
    from edgernn.training import load_run

    run = load_run(folder, recipe=recipe)
    about = run.config.metadata
    known = {
        "task": about.task,
        "unit": about.input_unit,
        "sample_rate": about.sample_rate,
        "labels": about.labels,
        "vocabulary": about.vocabulary,
        "tokenizer": about.tokenizer,
        "scores": run.config.scores,
    }
    return Source(
        run.model,
        run.example_inputs() if examples is None else examples,
        {name: value for name, value in known.items() if value},
    )


def _import(module_name: str, attribute: str) -> Any:
    # First, as with `python -m`: the user's own my_models.py must win over an installed one.
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise InputError(
                f"source: {module_name!r} needs {error.name!r}, which is not installed."
            ) from error
        raise InputError(
            f"source: no module {module_name!r} in {str(Path.cwd())!r} or among the installed packages."
        ) from error
    except Exception as error:
        raise InputError(
            f"source: importing {module_name!r} raised {type(error).__name__}: {error}"
        ) from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise InputError(f"source: {module_name!r} has no {attribute!r}. {_candidates(found)}")
        found = getattr(found, name)
    return found


def _candidates(module: Any) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, nn.Module) or (isinstance(value, type) and issubclass(value, nn.Module))
    ]
    return f"Modules in it: {', '.join(names)}." if names else "It defines no torch module."


def _call(found: Any, text: str) -> nn.Module:
    """The module itself, or what a class or function gives."""
    if not isinstance(found, nn.Module) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise InputError(
                f"source: calling {text!r} without arguments raised {type(error).__name__}: {error}. Write a "
                "function without arguments that returns the module."
            ) from error
    if not isinstance(found, nn.Module):
        raise InputError(f"source: {text!r} gives {type(found).__name__}, no torch.nn.Module.")
    return found
