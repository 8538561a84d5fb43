"""`edgernn.export_greedy`: an encoder and a decoder as one graph that writes by itself, proven."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import onnx_ir as ir

from edgernn.errors import InputError
from edgernn.files import atomic_path
from edgernn.graph.build import attach
from edgernn.graph.greedy import COUNTS, SYMBOLS, compose_greedy
from edgernn.manifest import Manifest, TensorSpec
from edgernn.runtime.seq2seq import Seq2SeqDecoder
from edgernn.verify import verify


def export_greedy(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> Manifest:
    """Join the graphs of a network folder: source in, the likeliest symbol each time out, one call for all.

    The decoder runs inside of a Loop that ends when every row has written its end, at the latest after the
    longest target. It is for apps that have no place for a search, and finds what a beam of 1 finds.

    Args:
        folder: a network folder of an encoder and a decoder, as of the recipe translate; quantized or not.
        path: the file to write, ending in .onnx.

    Returns:
        The manifest, which also stands in the file.

    Raises:
        InputError, ModelError: an argument or the folder is not what it must be.
        ExportError: the graphs do not fit together.
        ParityError: the written file does not write what the decoder's steps write.
    """
    if not str(path).endswith(".onnx"):
        raise InputError(f"path: {str(path)!r} must end in .onnx.")
    decoder = Seq2SeqDecoder(folder)
    network = decoder.network
    model = compose_greedy(
        ir.load(decoder.encoder.path),
        ir.load(decoder.decoder.path),
        decoder.decoder.manifest.states,
        start=decoder.search.start,
        end=decoder.search.end,
        longest=int(network.settings["longest"]),
    )
    read, step = decoder.encoder.manifest, decoder.decoder.manifest
    manifest = replace(
        read,
        outputs=(
            TensorSpec(SYMBOLS, "int64", ("batch", "steps")),
            TensorSpec(COUNTS, "int64", ("batch",)),
        ),
        recurrence="loop",
        layers=(*read.layers, *step.layers),
        scheme=step.scheme,
        parity={},
    )
    attach(model, manifest)
    with atomic_path(path) as temporary:
        ir.save(model, temporary)
        report = verify(Path(folder), temporary)
        report.raise_if_failed()
        manifest = manifest.with_(parity=report.summary())
        attach(model, manifest)
        ir.save(model, temporary)
    return manifest
