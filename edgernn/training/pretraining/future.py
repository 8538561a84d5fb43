"""What objectives that predict a sensor's next values share.

A network that answers every `stride` samples has seen samples 0 … m × stride at its answer m. Its next block
is the `stride` samples behind these, the block after that the `stride` behind it, and so on.
"""

from __future__ import annotations

import abc
from dataclasses import Field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.training.classification import sequences_of
from edgernn.training.options import option
from edgernn.training.pretraining.objective import Objective
from edgernn.training.recipe import Prepared


class FutureValues(nn.Module):
    """Predicts blocks of future samples, in units of the encoder's normalisation.

    Args:
        encoder: a network with `features`, `stride`, `recurrent`, `normalise(x)` and `encode(z)`.
        ahead: the last block that each answer predicts, 1 for the next one.
        blocks: how many blocks it predicts, up to that one.
        changes: whether it predicts how much they differ from the last sample seen.

    Raises:
        InputError: where the encoder reads backwards.
    """

    def __init__(self, encoder: Any, ahead: int, blocks: int, changes: bool) -> None:
        super().__init__()
        if encoder.recurrent.directions > 1:
            raise InputError("objective: a network with two directions sees what is to be predicted.")
        self.encoder, self.ahead, self.changes = encoder, ahead, changes
        self.samples = blocks * encoder.stride
        self.head = nn.Linear(encoder.recurrent.hidden_size, self.samples * encoder.features)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, features) raw values → (batch, answers, features × samples)."""
        z = self.encoder.normalise(x)
        found: Tensor = self.head(self.encoder.encode(z))
        return found + self.last_seen(z) if self.changes else found

    def last_seen(self, z: Tensor) -> Tensor:
        """The last sample that each answer saw, for every sample that it predicts: persistence."""
        return z[:, :: self.encoder.stride].repeat_interleave(self.samples, dim=-1)


class FutureObjective(Objective):
    """The next values of a recording.

    Attributes:
        error_name: what the scores call the error.
    """

    error_name: ClassVar[str]
    own_options: ClassVar[tuple[tuple[str, type, Field], ...]] = (
        ("ahead", int, option(3, "How many blocks of samples ahead are predicted.", minimum=1)),
    )

    def shortest(self, options: Any) -> int:
        """A recording must hold the blocks behind its first answer."""
        stride: int = getattr(options, "stride", 1)
        return int(options.ahead * stride)

    def arguments(self, options: Any) -> dict[str, Any]:
        """How far ahead."""
        return {"ahead": options.ahead}

    def initialise(self, model: nn.Module, prepared: Prepared) -> None:
        """Set the normalisation, from the training part alone."""
        assert isinstance(model, FutureValues)
        model.encoder.fit_normalization(torch.cat(sequences_of(prepared.train).sequences))

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """(answers, features × samples): what was predicted and what came, where all of it came."""
        found, _, came = self.predictions(model, batch)
        return found, came

    def predictions(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        """As `predict`, with persistence between both."""
        assert isinstance(model, FutureValues)
        x, lengths, _ = batch
        z, stride = model.encoder.normalise(x), model.encoder.stride
        first = model.ahead * stride - model.samples + 1
        came = z[:, first:].unfold(1, model.samples, stride).flatten(2)
        steps = came.shape[1]
        whole = (torch.arange(steps, device=x.device) + model.ahead) * stride < lengths[:, None]
        return model(x)[:, :steps][whole], model.last_seen(z)[:, :steps][whole], came[whole]

    @torch.no_grad()
    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """The error on data that were put aside, in standard deviations, beside that of persistence."""
        batches = [self.predictions(model, batch) for batch in self.batches(prepared.test)]
        found, plain, came = (torch.cat(parts) for parts in zip(*batches, strict=True))
        return {
            self.error_name: float(self.error(found, came)),
            f"{self.error_name}/persistence": float(self.error(plain, came)),
        }

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """The error, in standard deviations."""
        return self.error(output, target)

    def loss_weight(self, model: nn.Module, target: Tensor) -> Tensor:
        """The values that were predicted."""
        return torch.tensor(float(target.numel()), device=target.device)

    @abc.abstractmethod
    def error(self, found: Tensor, came: Tensor) -> Tensor:
        """What is made small: a scalar."""
