"""config.json of a run folder: everything about a run but its weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.training.compression import Compression
from edgernn.training.recipe import Metadata
from edgernn.training.typed import read_value

FORMAT_VERSION = 1

CONFIG_FILE = "config.json"
HISTORY_FILE = "history.json"
WEIGHTS_FILE = "model.safetensors"
EXAMPLE_FILE = "example.safetensors"
CHECKPOINT_FILE = "last.safetensors"
LOG_FOLDER = "tensorboard"


@dataclass(frozen=True)
class RunConfig:
    """How a run was made and what came of it.

    Attributes:
        recipe: the recipe's name.
        recipe_folder: the folder of a recipe that does not ship with edgernn; empty for one that does.
        options: the recipe's options.
        arguments: what the recipe builds the network of.
        metadata: what the network is for: task, units, sample rate, names.
        seed: seed of the weights, the order of the samples and dropout.
        data: path of the user's data; empty for the recipe's own.
        source: which data it was, in one sentence.
        fingerprint: digest of the data.
        epochs: epochs trained.
        best_epoch: the epoch, from 1, whose weights were kept.
        stopped: why training ended: "max_epochs" or "patience"; empty while it has not.
        seconds: duration of training.
        scores: scores on the test part, baselines as "name/baseline".
        versions: versions of the packages that trained.
        parent: of a finetuned run: the folder of the run that it began from; empty otherwise.
        scores_before: of a finetuned run: the scores before the first epoch.
        compression: what the weights are held to; None where they are free.
        pretraining: the objective that the network was pretrained with; empty where it has its last layers.
        rounded_for: the quantization scheme whose rounding the network was trained with; empty for none.
        format_version: version of this format.
    """

    recipe: str
    options: dict[str, Any]
    arguments: dict[str, Any]
    metadata: Metadata
    seed: int
    source: str
    fingerprint: str
    recipe_folder: str = ""
    data: str = ""
    epochs: int = 0
    best_epoch: int = 0
    stopped: str = ""
    seconds: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    parent: str = ""
    scores_before: dict[str, float] = field(default_factory=dict)
    rounded_for: str = ""
    compression: Compression | None = None
    pretraining: str = ""
    format_version: int = FORMAT_VERSION

    def write(self, folder: Path) -> None:
        """Write config.json into a run folder, atomically."""
        write_text(folder / CONFIG_FILE, json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> RunConfig:
        """Read config.json of a run folder.

        Raises:
            InputError: the folder is no run, or the file is not one of this version: not JSON, an unknown or
                missing key, a wrong type.
        """
        if not folder.is_dir():
            raise InputError(f"run: no folder at {str(folder)!r}. Name the folder that training wrote.")
        file = folder / CONFIG_FILE
        if not file.is_file():
            raise InputError(
                f"run: {str(folder)!r} is not the folder of a training run: it holds no {CONFIG_FILE}."
            )
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"run: {str(file)!r} is not JSON ({error}). Train again.") from error
        version = values.get("format_version") if isinstance(values, dict) else None
        if version != FORMAT_VERSION:
            raise InputError(
                f"run: {str(file)!r} has format version {version!r}, this edgernn reads {FORMAT_VERSION}. "
                "Use the edgernn that trained it, or train again."
            )
        config: RunConfig = read_value(cls, values, str(file))
        return config
