"""One prepared call into onnxruntime: which arrays it reads and which it writes, settled once.

Binding costs tens of microseconds and a small step takes ten, so streams bind when they are opened and only
copy into the bound arrays afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import onnxruntime

from edgernn.runtime.arrays import Array
from edgernn.runtime.engine import Engine


class Call(Protocol):
    """A prepared call.

    `run(*arguments)` makes the call. They are apart so that the fast path of a stream spares a function.
    """

    @property
    def run(self) -> Callable[..., object]:
        """The function of the call."""

    @property
    def arguments(self) -> tuple[Any, Any]:
        """Its arguments."""

    def invoke(self) -> list[Array]:
        """Make the call; the outputs in the order they were bound.

        They hold until the next call, which may write into them: copy what is kept.
        """
        ...


def prepare(engine: Engine, feeds: Mapping[str, Array], fetches: Mapping[str, Array | None]) -> Call:
    """A call that reads `feeds` and writes `fetches`, by name; all C-contiguous.

    A fetch that is None has a shape nobody knows beforehand: onnxruntime allocates it at each call.
    """
    if engine.host_memory:
        return HostCall(engine, feeds, fetches)
    return CopyingCall(engine, feeds, fetches)


class HostCall:
    """A call over bound arrays in ordinary memory: nothing is copied and nothing allocated."""

    __slots__ = ("_free", "_io", "_kept", "arguments", "run")

    def __init__(
        self, engine: Engine, feeds: Mapping[str, Array], fetches: Mapping[str, Array | None]
    ) -> None:
        session = engine.session
        self._io = session.io_binding()
        # onnxruntime holds bare pointers into these arrays: they must live as long as the binding.
        self._kept = (dict(feeds), dict(fetches))
        for name, source in feeds.items():
            self._io.bind_ortvalue_input(name, _value_over(source))
        for name, target in fetches.items():
            if target is None:
                self._io.bind_output(name)
            else:
                self._io.bind_ortvalue_output(name, _value_over(target))
        self._free = [name for name, array in fetches.items() if array is None]
        binding = getattr(self._io, "_iobinding", None)
        if engine.inner is not session and binding is not None:
            self.run, self.arguments = engine.inner.run_with_iobinding, (binding, engine.run_options)
        else:
            self.run, self.arguments = session.run_with_iobinding, (self._io, engine.run_options)

    def invoke(self) -> list[Array]:
        """See `Call.invoke`."""
        for name in self._free:
            self._io.bind_output(name)  # drops the last call's value, whose shape may not fit
        self.run(*self.arguments)
        fetches = self._kept[1]
        if not self._free:
            return [array for array in fetches.values() if array is not None]
        values = self._io.get_outputs()
        return [
            value.numpy() if array is None else array
            for value, array in zip(values, fetches.values(), strict=True)
        ]


class CopyingCall:
    """The same for providers with a memory of their own: everything is copied at each call.

    A bound array would be copied to the device once, when it is bound, and never again.
    """

    __slots__ = ("_feeds", "_fetches", "_results", "_session", "arguments", "run")

    def __init__(
        self, engine: Engine, feeds: Mapping[str, Array], fetches: Mapping[str, Array | None]
    ) -> None:
        self._session = engine.session
        self._feeds, self._fetches = dict(feeds), dict(fetches)
        self._results: list[Array] = []
        self.run = self._run
        self.arguments = (engine.run_options, None)

    def _run(self, options: Any, _: object) -> None:
        results = self._session.run(list(self._fetches), self._feeds, options)
        for array, result in zip(self._fetches.values(), results, strict=True):
            if array is not None:
                if array.shape != result.shape:
                    raise ValueError(f"an output has shape {result.shape}, the manifest says {array.shape}")
                array[...] = result
        self._results = results

    def invoke(self) -> list[Array]:
        """See `Call.invoke`."""
        self.run(*self.arguments)
        return [
            result if array is None else array
            for array, result in zip(self._fetches.values(), self._results, strict=True)
        ]


def _value_over(array: Array) -> onnxruntime.OrtValue:
    """An OrtValue over the array's own memory."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(array)
