"""What objectives share: a recipe's network without its last layers, data without labels, their split."""

from __future__ import annotations

import abc
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import Field, make_dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.training.classification import Sequences, batch_of, sequences_of
from edgernn.training.options import TrainingOptions
from edgernn.training.recipe import Metadata, Prepared, Recipe

# Shares of the data that choose the epoch, and that are only scored.
_ASIDE = 0.1
_SCORED_AT_ONCE = 64


class Objective(Recipe[TrainingOptions, Prepared]):
    """A recipe's network learning something that needs no labels.

    A subclass builds the network around the encoder, which it must keep as `encoder`, and scores it.

    Args:
        base: the recipe whose network is pretrained.
        name: the objective's name.

    Attributes:
        own_options: options of the objective beside the recipe's: name, type and field.
    """

    own_options: ClassVar[tuple[tuple[str, type, Field], ...]] = ()

    def __init__(self, base: Recipe, name: str) -> None:
        self.base, self.objective = base, name
        self.name, self.folder, self.data_options = base.name, base.folder, base.data_options  # type: ignore[misc]
        self.options_type = make_dataclass(
            "Options", self.own_options, bases=(base.options_type,), frozen=True
        )

    def prepare(self, options: TrainingOptions, data: Path | None) -> Prepared:
        """Read the data and put shares aside."""
        return self._prepare(options, data, None)

    def prepare_like(
        self, options: TrainingOptions, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> Prepared:
        """As `prepare`, with the vocabulary of a network that is trained already."""
        return self._prepare(options, data, known)

    def _prepare(self, options: TrainingOptions, data: Path | None, known: Metadata | None) -> Prepared:
        found = self.base.unlabelled(options, data, known)
        sequences = [item for item in found.sequences if len(item) > self.shortest(options)]
        aside = max(1, round(_ASIDE * len(sequences)))
        if len(sequences) < 3:
            raise InputError(
                f"data: {len(sequences)} sequences of more than {self.shortest(options)} steps leave none to "
                "put aside; give at least 3."
            )
        order = random.Random(0).sample(range(len(sequences)), len(sequences))
        cuts = (order[2 * aside :], order[aside : 2 * aside], order[:aside])
        train, validation, test = (_part([sequences[n] for n in sorted(numbers)]) for numbers in cuts)
        return Prepared(
            train=train,
            validation=validation,
            test=test,
            arguments={"network": found.arguments, **self.arguments(options)},
            metadata=found.metadata,
            source=found.source,
            fingerprint=found.fingerprint,
            example=(batch_of([test[n] for n in range(min(2, len(test)))])[0],),
        )

    def shortest(self, options: Any) -> int:
        """Sequences of no more steps teach nothing and are left out."""
        return 0

    def arguments(self, options: Any) -> dict[str, Any]:
        """What `network` needs beside the encoder."""
        return {}

    def build(self, arguments: dict[str, Any]) -> nn.Module:
        """The network: the recipe's one up to its recurrent layers, and what the objective adds."""
        encoder = self.base.build(arguments["network"])
        for part in encoder.answering:  # type: ignore[union-attr]
            setattr(encoder, str(part), nn.Identity())
        return self.network(encoder, **{name: arguments[name] for name in arguments if name != "network"})

    @abc.abstractmethod
    def network(self, encoder: Any, **arguments: Any) -> nn.Module:
        """The network that is trained, with the encoder in it as `encoder`."""

    def collate(self) -> Callable[[list[Any]], Any]:
        """Sequences filled up on the right, and their lengths."""
        return batch_of

    def lengths(self, part: Dataset, options: TrainingOptions) -> Sequence[int]:
        """Time steps of each sample: those of like length share a batch."""
        return sequences_of(part).lengths

    def batches(self, part: Dataset) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """A part batch by batch, in order, for scores."""
        samples = sequences_of(part)
        for numbers in torch.arange(len(samples)).split(_SCORED_AT_ONCE):
            yield batch_of([samples[int(n)] for n in numbers])


def _part(sequences: list[Tensor]) -> Sequences:
    return Sequences(sequences, [0] * len(sequences))
