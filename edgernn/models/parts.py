"""Networks that are several graphs, because an app calls their parts differently often."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Part:
    """One graph of a network.

    Attributes:
        module: what it computes; shares the network's weights.
        example_inputs: inputs of its forward.
        options: of `edgernn.export`, e.g. streaming, dims, output_names, metadata.
    """

    module: nn.Module
    example_inputs: tuple[Tensor, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


class Parted(nn.Module, abc.ABC):
    """A network of several graphs; `edgernn.export_folder` writes them into a folder."""

    @abc.abstractmethod
    def parts(self, example_inputs: Sequence[Tensor]) -> dict[str, Part]:
        """The graphs by name, of small letters, digits and underscores.

        Args:
            example_inputs: as the network's own forward takes them.
        """

    def settings(self) -> dict[str, Any]:
        """What an app needs beside the graphs, as JSON values."""
        return {}
