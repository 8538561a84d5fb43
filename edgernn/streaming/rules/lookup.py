"""Embedding: a row of a table for each index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgernn.streaming.context import Context
from edgernn.streaming.flow import aten, flows_in, plain, prefixes

TARGETS = [aten.embedding.default]


def apply(context: Context, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The result has one more dimension, on the right; time stays where it was."""
    target: Any = context.node.target
    (indices,) = flows_in(args)
    prefix = None if indices.prefix is None else target(*prefixes(args), **prefixes(kwargs))
    return indices.with_(tensor=target(*plain(args), **plain(kwargs)), prefix=prefix)
