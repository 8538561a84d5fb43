"""The contract of a recipe: a task from its data to its scores, in one folder.

A recipe folder holds `recipe.py`, which defines one object `RECIPE`, an instance of a subclass of `Recipe`;
`README.md`; and `contract.toml` (see `edgernn.training.contract`).
"""

from __future__ import annotations

import abc
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from edgernn.errors import InputError
from edgernn.training.options import OptionsT

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn
    from torch.utils.data import Dataset
    from torchmetrics import Metric

    from edgernn.training.streams import CarriedState, State, StreamBatch

DATA_FOLDER_VARIABLE = "EDGERNN_DATA"


@dataclass(frozen=True)
class Metadata:
    """What an app must know of the network, for the manifest of an exported file.

    Attributes:
        task: what the network is for, e.g. "forecast".
        input_unit, output_unit: units of the values, e.g. "°C"; empty where they have none.
        sample_rate: time steps per second; None where unknown or not constant, e.g. months.
        features: names of the input features.
        outputs: names of the output features.
        labels: class names, by index.
        vocabulary: symbols, by index.
        tokenizer: what cuts a text into sub-words; see `edgernn.features.subwords`.
    """

    task: str
    input_unit: str = ""
    output_unit: str = ""
    sample_rate: float | None = None
    features: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    tokenizer: str = ""


@dataclass(frozen=True)
class Prepared:
    """A recipe's data, ready for training. A recipe that keeps more of it subclasses this.

    Attributes:
        train, validation, test: data sets whose samples are tuples of tensors, inputs first and target last.
        arguments: what `Recipe.build` makes the model of; JSON values.
        metadata: for the manifest.
        source: which data this is and where it comes from, in one sentence that is shown to the user.
        fingerprint: a digest of the data; a run is resumed only on the same data.
        example: inputs of the network, with a batch, for export and checks.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    arguments: dict[str, Any]
    metadata: Metadata
    source: str
    fingerprint: str
    example: tuple[Tensor, ...] = field(repr=False)


@dataclass(frozen=True)
class Unlabelled:
    """Data that a recipe's network is pretrained on.

    Attributes:
        sequences: each (time, …): symbols or values.
        arguments: what `Recipe.build` makes the network of; its last layers are not used.
        metadata: with the vocabulary, where there is one.
        source: which data this is, in one sentence.
        fingerprint: a digest of the data.
    """

    sequences: Sequence[Tensor]
    arguments: dict[str, Any]
    metadata: Metadata
    source: str
    fingerprint: str


PreparedT = TypeVar("PreparedT", bound=Prepared)


class Recipe(abc.ABC, Generic[OptionsT, PreparedT]):
    """A task: how its data are read, its network built, trained and scored.

    Attributes:
        summary: one line for listings.
        options_type: the dataclass of its options.
        data_options: names of the options that belong to one data set, and are not carried over to others.
        data_name: what the recipe's own data are called under $EDGERNN_DATA; empty where there are none.
        objectives: names of the objectives that its network can be pretrained with, the usual one first; see
            `edgernn.training.pretraining`.
        several_graphs: whether its network is written as several graphs, `edgernn.models.parts.Parted`.
        objective: of an objective, which takes the place of the recipe in training: its name; else empty.
        name: the name of its folder; set by `find_recipe`.
        folder: where recipe.py stands; set by `find_recipe`.
    """

    summary: ClassVar[str]
    options_type: type[OptionsT]
    data_options: ClassVar[tuple[str, ...]] = ()
    data_name: ClassVar[str] = ""
    objectives: ClassVar[tuple[str, ...]] = ()
    several_graphs: ClassVar[bool] = False
    objective: str = ""
    name: str = ""
    folder: Path | None = None

    @abc.abstractmethod
    def prepare(self, options: OptionsT, data: Path | None) -> PreparedT:
        """Read and split the data.

        Args:
            options: the recipe's options.
            data: the user's data; None for the data that come with the recipe.

        Raises:
            InputError: where the data are not what the recipe needs.
        """

    def prepare_like(
        self, options: OptionsT, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> PreparedT:
        """As `prepare`, for a network that is trained already: on other data, its vocabulary stays.

        Args:
            options, data: as for `prepare`.
            known: what the network is for.
            new_labels: whether the labels are those of the data; otherwise they stay too.
        """
        return self.prepare(options, data)

    def unlabelled(self, options: OptionsT, data: Path | None, known: Metadata | None) -> Unlabelled:
        """Read data without labels, for pre-training; a recipe with `objectives` has this.

        Args:
            options, data: as for `prepare`.
            known: what a network that is trained already is for: its vocabulary stays. None: there is none.
        """
        raise InputError(f"recipe: {self.name!r} names objectives, but reads no data without labels.")

    @abc.abstractmethod
    def build(self, arguments: dict[str, Any]) -> nn.Module:
        """The untrained network from `Prepared.arguments`; also how a run folder's network is built again."""

    def initialise(self, model: nn.Module, prepared: PreparedT) -> None:
        """Set what the network takes from the training data before the first step, e.g. its normalisation."""

    @abc.abstractmethod
    def loss(self, model: nn.Module, output: Any, target: Any) -> Tensor:
        """The loss of one batch: a scalar, the mean over its samples."""

    def loss_weight(self, model: nn.Module, target: Any) -> Tensor | None:
        """What `loss` is a mean over, as a scalar, where that is not the number of samples: time steps, or
        the sum of the classes' weights. Several processes that share a batch join their losses by it.
        """
        return None

    def start_epoch(self, model: nn.Module, options: OptionsT, epoch: int) -> None:
        """Set what changes over training, e.g. how much noise there is, before epoch 0, 1, …"""

    def finish(self, model: nn.Module, prepared: PreparedT) -> None:
        """Set what follows from the trained weights, e.g. a threshold; it is kept with them."""

    @abc.abstractmethod
    def score(self, model: nn.Module, prepared: PreparedT) -> dict[str, float]:
        """Scores on the test part, the network's by name and a baseline's as "name/baseline"."""

    def picture(self, model: nn.Module, prepared: PreparedT) -> Figure | None:
        """What the network makes of the validation part, e.g. a confusion matrix; None: there is no picture.

        Called without gradients, of a network in evaluation mode.
        """
        return None

    def write_details(self, model: nn.Module, prepared: PreparedT, folder: Path) -> None:
        """Write what there is to say of the scores into the run folder, e.g. a confusion matrix."""

    def predict(self, model: nn.Module, batch: Sequence[Any]) -> tuple[Any, Any]:
        """One batch through the network: its output and the target, as `loss` and the metrics take them."""
        *inputs, target = batch
        return model(*inputs), target

    def predict_stream(
        self, model: nn.Module, batch: StreamBatch, carried: CarriedState
    ) -> tuple[Any, Any, State]:
        """As `predict`, of a recipe whose data sets are `edgernn.training.streams.Streams`.

        Args:
            model: the network.
            batch: a window of each row.
            carried: gives the states that it begins in (`CarriedState.before`).

        Returns:
            The output, the target, and the states that the rows ended in.
        """
        raise InputError(
            f"recipe: {type(self).__name__} learns from streams and has no predict_stream. Write it, as "
            "predict with the states that rows begin in and end in."
        )

    def metrics(self) -> dict[str, Metric]:
        """Metrics that are logged each epoch on the validation part; updated with (output, target)."""
        return {}

    def collate(self) -> Callable[[list[Any]], Any] | None:
        """How samples become a batch. None: the data sets take a list of indices and give a whole batch."""
        return None

    def collate_training(self, prepared: PreparedT) -> Callable[[list[Any]], Any] | None:
        """As `collate`, for the samples that are learned from: the place for random augmentation."""
        return self.collate()

    def lengths(self, part: Dataset, options: OptionsT) -> Sequence[int] | None:
        """Time steps of each sample, so that samples of like length share a batch; None where they do not."""
        return None


def locate_data(data: str | os.PathLike[str] | None, data_name: str = "") -> Path | None:
    """Where a recipe's data are: `data`, else `$EDGERNN_DATA/<data_name>`, else None: what is bundled.

    A relative `data` that is not in the working folder is looked up under $EDGERNN_DATA too.

    Raises:
        InputError: where `data` is in neither place.
    """
    root = os.environ.get(DATA_FOLDER_VARIABLE)
    if data is None:
        default = Path(root) / data_name if root and data_name else None
        return default if default is not None and default.exists() else None
    path = Path(data).expanduser()
    candidates = [path] + ([Path(root) / path] if root and not path.is_absolute() else [])
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = " or ".join(repr(str(candidate)) for candidate in candidates)
    raise InputError(f"data: nothing at {looked}. Check the path, or set ${DATA_FOLDER_VARIABLE}.")


def options_for_other_data(recipe: Recipe, options: dict[str, Any]) -> dict[str, Any]:
    """A run's options without those that belong to its data."""
    return {name: value for name, value in options.items() if name not in recipe.data_options}
