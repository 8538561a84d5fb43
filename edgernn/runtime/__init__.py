"""Running exported files: sessions, streams and pools, on numpy and onnxruntime alone.

`load` opens a file, `Session.run` runs it on whole arrays, `Session.stream` keeps its states between chunks,
and `Session.pool` shares one batched call between many streams. `CTCDecoder` makes text of a recogniser's
output, beside a language model where a `LanguageScorer` asks one. `load_network` opens a folder of several
graphs, and `Seq2SeqDecoder` writes with an encoder and a decoder; these are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edgernn.runtime.pool import StreamPool
from edgernn.runtime.session import Session, load
from edgernn.runtime.snapshot import Snapshot
from edgernn.runtime.stream import Stream

if TYPE_CHECKING:
    from edgernn.ctc import CTCDecoder
    from edgernn.runtime.language_scorer import LanguageScorer
    from edgernn.runtime.network import Network, load_network
    from edgernn.runtime.seq2seq import Seq2SeqDecoder

# What an app that runs a single file never needs -> the module that holds it.
_ON_FIRST_USE = {
    "CTCDecoder": "edgernn.ctc",
    "LanguageScorer": "edgernn.runtime.language_scorer",
    "Network": "edgernn.runtime.network",
    "Seq2SeqDecoder": "edgernn.runtime.seq2seq",
    "load_network": "edgernn.runtime.network",
}

__all__ = [
    "CTCDecoder", "LanguageScorer", "Network", "Seq2SeqDecoder", "Session", "Snapshot", "Stream",
    "StreamPool", "load", "load_network",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ON_FIRST_USE[name]), name)
