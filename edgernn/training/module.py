"""A recipe as a Lightning module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule, seed_everything
from torch import Tensor, nn
from torchmetrics import MetricCollection

from edgernn.training.adapters import Adapter, with_factors
from edgernn.training.batches import Share
from edgernn.training.options import TrainingOptions
from edgernn.training.parameter_groups import parameter_groups
from edgernn.training.processes import Processes
from edgernn.training.profile import BACKWARD, FORWARD
from edgernn.training.recipe import Recipe
from edgernn.training.schedule import plateau_factor, step_factor
from edgernn.training.streams import CarriedState, StreamBatch

# As usual for SGD on recurrent networks (Sutskever et al. 2013).
_MOMENTUM = 0.9


class RecipeModule(LightningModule):
    """Trains a recipe's network and logs its losses and metrics each epoch.

    Args:
        recipe: gives the loss and the metrics.
        model: the network.
        options: the optimiser, its learning rates and what is frozen.
        seed: what every epoch's random numbers follow from.
        losses: gives the validation loss of each epoch so far.
        adapters: what is learned in the place of the network's matrices; None: these are.
        processes: which ones train together. Each computes the loss of its share of a batch; what is learned
            from and logged is the loss of the whole batch, the mean of the shares' by `Recipe.loss_weight`.
    """

    def __init__(
        self,
        recipe: Recipe,
        model: nn.Module,
        options: TrainingOptions,
        seed: int,
        losses: Callable[[], Sequence[float]] = tuple,
        processes: Processes = Processes(),
        adapters: nn.ModuleList | None = None,
    ) -> None:
        super().__init__()
        self.adapters = nn.ModuleList() if adapters is None else adapters
        self.losses, self.processes = losses, processes
        # Of validation and of training: both read streams, each its own.
        self._carried = (CarriedState(), CarriedState())
        self.recipe, self.model, self.options, self.seed = recipe, model, options, seed
        self.validation_metrics = MetricCollection(dict(recipe.metrics()), prefix="validation_")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser of the options, over the parameters that are not frozen."""
        options = self.options
        groups = with_factors(parameter_groups(self.model, options), self.adapters)
        if options.optimizer == "sgd":
            return torch.optim.SGD(
                groups, lr=options.learning_rate, momentum=_MOMENTUM, nesterov=True,
                weight_decay=options.weight_decay,
            )  # fmt: skip
        kind = torch.optim.Adam if options.optimizer == "adam" else torch.optim.AdamW
        return kind(groups, lr=options.learning_rate, weight_decay=options.weight_decay)

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """Set the step's learning rates."""
        options = self.options
        if options.schedule == "plateau":
            factor = plateau_factor(self.losses(), options.plateau_patience)
        else:
            steps = int(self.trainer.num_training_batches) * options.max_epochs
            factor = step_factor(options.schedule, self.global_step, steps)
        rate = options.learning_rate * factor
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.log("learning_rate", rate, on_step=True, on_epoch=False)

    def on_train_epoch_start(self) -> None:
        """Start an epoch's random numbers from its number, so that a resumed run draws the same ones."""
        self.recipe.start_epoch(self.model, self.options, self.current_epoch)
        # Each process draws dropout and augmentation of its own.
        own = self.seed + 1_000_003 * (self.current_epoch + 1) + 7_368_787 * self.processes.rank
        seed_everything(own % 2**32, verbose=False)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Hand adapters their gradient, and note the norm of it all, before it is clipped."""
        for adapter in self._adapters():
            adapter.take_gradient()
        trained = [value for group in optimizer.param_groups for value in group["params"]]
        norms = [value.grad.detach().norm() for value in trained if value.grad is not None]
        self.log("gradient_norm", torch.stack(norms).norm(), on_step=True, on_epoch=False)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_index: int) -> None:
        """After the optimiser's step: what adapters learned goes into the network."""
        for adapter in self._adapters():
            adapter.write()

    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        """The loss of one batch."""
        with torch.profiler.record_function(FORWARD):
            loss, _, target = self._loss(batch)
        learned, whole, size = self._of_all(batch, loss, target)
        self.log("train_loss", whole, on_step=False, on_epoch=True, batch_size=size, prog_bar=True)
        return learned

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """The gradient of one batch."""
        with torch.profiler.record_function(BACKWARD):
            super().backward(loss, *args, **kwargs)

    def validation_step(self, batch: Any, batch_index: int) -> None:
        """Log the loss and the recipe's metrics of one batch."""
        loss, output, target = self._loss(batch)
        _, whole, size = self._of_all(batch, loss, target)
        self.log("validation_loss", whole, batch_size=size, prog_bar=True)
        if len(self.validation_metrics) and _share(batch).counts:
            self.validation_metrics.update(output, target)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics over the whole validation part."""
        if len(self.validation_metrics):
            self.log_dict(self.validation_metrics.compute())
            self.validation_metrics.reset()

    def _adapters(self) -> list[Adapter]:
        return [adapter for adapter in self.adapters if isinstance(adapter, Adapter)]

    def loss_of(self, batch: Any) -> Tensor:
        """The loss of one batch, for who looks at its gradient."""
        return self._loss(batch, CarriedState())[0]

    def _loss(self, batch: Any, carried: CarriedState | None = None) -> tuple[Tensor, Any, Any]:
        carried = self._carried[self.training] if carried is None else carried
        output, target = self._predict(_share(batch).batch, carried)
        return self.recipe.loss(self.model, output, target), output, target

    def _predict(self, batch: Any, carried: CarriedState) -> tuple[Any, Any]:
        if not isinstance(batch, StreamBatch):
            return self.recipe.predict(self.model, batch)
        output, target, state = self.recipe.predict_stream(self.model, batch, carried)
        carried.keep(state)
        return output, target

    def _of_all(self, batch: Any, loss: Tensor, target: Any) -> tuple[Tensor, Tensor, int]:
        """What this process learns from, the loss of the whole batch, and the samples of that."""
        own, samples = _share(batch), _batch_size(_share(batch).batch)
        if self.processes.count == 1:
            return loss, loss, samples
        weight = self.recipe.loss_weight(self.model, target)
        weight = loss.new_tensor(samples) if weight is None else weight.detach()
        weight = weight.to(loss.dtype) * own.counts
        # The mean over a share that holds nothing to learn is not a number, and counts nothing.
        loss = torch.where(weight > 0, loss, torch.zeros_like(loss))
        sums = torch.stack([loss.detach() * weight, weight, loss.new_tensor(samples * own.counts)]).double()
        torch.distributed.all_reduce(sums)
        # The gradient is the mean over the processes.
        factor = weight * self.processes.count / sums[1]
        return loss * factor.to(loss.dtype), (sums[0] / sums[1]).to(loss.dtype), int(sums[2])


def _share(batch: Any) -> Share:
    return batch if isinstance(batch, Share) else Share(batch, True)


def _batch_size(batch: Any) -> int:
    """Samples in a batch: the first dimension of its first tensor."""
    while not isinstance(batch, Tensor):
        batch = next(iter(batch.values() if isinstance(batch, dict) else batch))
    return int(batch.shape[0])
