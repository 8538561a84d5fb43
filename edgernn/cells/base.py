"""What a recurrent cell is: its equations, once, for a single time step.

Everything else follows from `step`: training over time (`edgernn.Recurrent`), the ONNX forms (scan, loop,
unrolled), the streaming step and its checks.

Example:
    >>> class Leaky(Cell):
    ...     def __init__(self, input_size: int, hidden_size: int):
    ...         super().__init__(input_size, hidden_size)
    ...         self.inner = torch.nn.Linear(input_size + hidden_size, hidden_size)
    ...
    ...     def step(self, x, state):
    ...         (h,) = state
    ...         h = 0.9 * h + 0.1 * torch.tanh(self.inner(torch.cat([x, h], dim=-1)))
    ...         return h, (h,)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from edgernn.cells.operator import OnnxOperator
from edgernn.errors import InputError

State = tuple[Tensor, ...]
ReferenceStep = Callable[[np.ndarray, tuple[np.ndarray, ...]], tuple[np.ndarray, tuple[np.ndarray, ...]]]


class Cell(nn.Module):
    """One time step of a recurrent layer. Subclass it and write `step`.

    A cell whose input takes part through a projection that does not depend on the state may write `project`
    and `recur` in place of `step`: the projection of all time steps is then one matrix product.

    Attributes:
        input_size: features of x.
        hidden_size: features of the output.
        state_names: one name for each state tensor.
    """

    state_names: ClassVar[tuple[str, ...]] = ("h",)

    # The methods that hold a cell's equations: who overrides one of them has another cell.
    _equations: ClassVar[tuple[str, ...]] = ("step", "project", "recur")

    _constructor: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Cell:  # noqa: D102
        cell = super().__new__(cls)
        # What `like` needs to build the next layer's cell. nn.Module is not set up yet, hence the detour.
        object.__setattr__(cell, "_constructor", (args, kwargs))
        return cell

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise InputError(f"{type(self).__name__}: {name} must be an integer ≥ 1, found {size!r}.")
        if type(self).step is Cell.step and type(self).recur is Cell.recur:
            raise InputError(
                f"{type(self).__name__}: a cell defines its equations in step(x, state) -> (output, state)."
            )
        self.input_size = input_size
        self.hidden_size = hidden_size

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """Features of each state tensor, in the order of `state_names`."""
        return (self.hidden_size,) * len(self.state_names)

    @property
    def gate_names(self) -> tuple[str, ...]:
        """What the sigmoids and tanhs of a step give, in the order in which its equations call them."""
        return ()

    def initial_state(self, batch: int) -> State:
        """The states before the first step, each (batch, size). Zero unless a cell says otherwise."""
        anchor = next(self.parameters(), torch.empty(0))
        return tuple(anchor.new_zeros(batch, size) for size in self.state_sizes)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One time step.

        Args:
            x: (batch, input_size).
            state: one tensor (batch, size) for each name in `state_names`.

        Returns:
            The output (batch, hidden_size) and the new state.
        """
        return self.recur(self.project(x), state)

    def project(self, x: Tensor) -> Tensor:
        """The part of a step that needs no state: (..., input_size) → (..., any). The identity by default."""
        return x

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """The rest of a step: what `project` gave and the state → the output and the new state."""
        return self.step(projected, state)

    @property
    def hoists_projection(self) -> bool:
        """Whether `project` and `recur` make up the step, so that all steps can be projected at once.

        They do not where a subclass overrides the `step` of a cell that has them: `step` alone counts then.
        """
        kinds = type(self).__mro__
        step, recur = (
            next(index for index, kind in enumerate(kinds) if name in vars(kind))
            for name in ("step", "recur")
        )
        return type(self).project is not Cell.project and recur < step

    def over_time(
        self, projected: Tensor, state: State, alive: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, State] | None:
        """All steps at once, where that is faster than one after the other; None where it is not.

        Args:
            projected: what `project` gave for all steps, (time, batch, ·).
            state: before the first step.
            alive: (time, batch, 1) booleans: where False, the output is zero and the state waits. None: all.
            reverse: whether to read from the end to the start.

        Returns:
            The outputs (time, batch, hidden_size) at their input's position, and the final state.
        """
        return None

    def onnx_operator(self) -> OnnxOperator | None:
        """The ONNX operator that computes this cell over time; None where ONNX has none."""
        return None

    def kernel_operator(self) -> OnnxOperator | None:
        """The function of edgernn's own kernels that computes this cell over time; None where there is none.

        Of a cell that has an ONNX operator there is none: a function is made of that.
        """
        return self._kernel_operator() if self._as_published else None

    def _kernel_operator(self) -> OnnxOperator | None:
        """`kernel_operator` of these very equations; see `_reference_step`."""
        return None

    def reference_step(self) -> ReferenceStep | None:
        """The same step in plain numpy float64, written independently; None where there is none."""
        return self._reference_step() if self._as_published else None

    def _reference_step(self) -> ReferenceStep | None:
        """`reference_step` of these very equations; subclasses that change them are seen to elsewhere."""
        return None

    @property
    def _as_published(self) -> bool:
        """Whether no subclass changed the equations that reference, kernel and operator belong to."""
        published = next(kind for kind in type(self).__mro__ if "_reference_step" in vars(kind))
        return all(getattr(type(self), name) is getattr(published, name) for name in self._equations)

    def numpy_parameters(self) -> dict[str, np.ndarray]:
        """The weights as numpy float64, under their own names, for `edgernn.reference`."""
        return {name: value.detach().cpu().double().numpy() for name, value in self.named_parameters()}

    def like(self, input_size: int) -> Cell:
        """A cell built by the same arguments but for its input size, with weights of its own."""
        args, kwargs = self._constructor
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        if "input_size" not in bound.arguments:
            raise InputError(
                f"{type(self).__name__}: to be stacked in layers, a cell's constructor must take "
                "`input_size`."
            )
        bound.arguments["input_size"] = input_size
        return type(self)(*bound.args[1:], **bound.kwargs)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"{self.input_size}, {self.hidden_size}"
