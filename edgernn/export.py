"""`edgernn.export`: a torch module becomes a self-describing ONNX file, proven equal before it is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir
from torch import Tensor, nn

from edgernn.errors import ExportError, InputError, StreamingError
from edgernn.files import atomic_path
from edgernn.graph.build import DEFAULT_OPSET, Built, attach, build
from edgernn.manifest import Manifest
from edgernn.placement.choice import form_for, require_steps, takes_recurrence
from edgernn.placement.rules import Form
from edgernn.quantize.compact import make_compact
from edgernn.quantize.kernel_form import use_functions
from edgernn.verify import verify


def export(
    model: nn.Module,
    path: str | os.PathLike[str],
    example_inputs: Tensor | Sequence[Tensor],
    *,
    recurrence: str = "auto",
    streaming: bool = False,
    chunk: int | None = None,
    time_dim: int = 1,
    dims: Mapping[str, Sequence[str | None]] | None = None,
    length: int | None = None,
    opset: int = DEFAULT_OPSET,
    output_names: Sequence[str] | None = None,
    metadata: Mapping[str, object] | None = None,
    lookahead: int | None = None,
    running_mean: bool = False,
    kernels: bool = False,
    fix_batch: bool = False,
    provider: str | None = None,
    check: bool = True,
) -> Manifest:
    """Write `model` as one ONNX file that stock onnxruntime (1.17 or later) runs.

    Batch and time are free in the file whatever the example's sizes are. Before the file appears at `path`
    it is compared with torch and with the float64 reference at other batches and lengths (streaming: under
    random chunk schedules); a file that differs is not written.

    Args:
        model: any torch module with `edgernn.Recurrent`, nn.RNN, nn.LSTM or nn.GRU inside.
        path: the file to write, ending in .onnx.
        example_inputs: a tensor or a tuple of tensors as `model.forward` takes them, e.g. (1, 100, 40).
        recurrence: "op" (RNN, LSTM or GRU operator), "scan" (any cell), "loop" (any cell), "unrolled" (plain
            operators, fixed length), or "auto": op where there is one, else scan.
        streaming: whether states are inputs and outputs, so that `Session.stream` can run it chunk by chunk.
        chunk: of a streaming file: time steps of every push; None leaves it free.
        time_dim: which dimension of the inputs is time.
        dims: names of an input's dimensions where they are not (batch, time, …), e.g.
            {"h0": (None, "batch", None)}; "batch" and "time" are free.
        length: of a sequence file: a fixed number of time steps; None leaves it free ("unrolled" takes the
            example's).
        opset: ONNX operator set, 18 to 23.
        output_names: names for the outputs, in the order in which the forward returns them.
        metadata: what only you know: task, labels, vocabulary, normalization, sample_rate (time steps per
            second), scores; unit and features (names) of the first input, output_unit and outputs (names)
            of the first output.
        lookahead: of a streaming file: how many input steps of the future outputs may wait for, as centred
            convolutions do; the manifest says how many they wait for. None: as many as the module says by
            an attribute `accepts_lookahead`, else none.
        running_mean: of a streaming file: whether a mean over all time becomes the mean so far; else it is
            refused.
        kernels: whether to write recurrent layers as functions that edgernn's own kernels can take over (see
            `edgernn.kernels`): operators, and in place of a Scan every cell of edgernn but a FastGRNN of low
            rank; a cell of your own stays what it is. Stock onnxruntime runs the file as fast as without;
            runtimes that know no functions do not run it. Quantized operators are written so anyway; other
            cells are functions in a quantized file where they are in the float32 file.
        fix_batch: whether the file takes one row alone, for accelerators that need fixed shapes.
        provider: an execution provider whose needs decide about recurrence and fixed shapes, e.g. "nnapi";
            what it needs and only you know (length or chunk) is asked for. `edgernn.placement` has the rules.
        check: whether to compare before writing. Without it the manifest says that nothing was proven.

    Returns:
        The manifest, which also stands in the file.

    Raises:
        InputError: where an argument does not fit.
        ExportError: where the module cannot be written in this form.
        StreamingError: where it cannot stream, with the module, the reason and the way out.
        ParityError: where the written file does not compute what the module computes.
    """
    if not str(path).endswith(".onnx"):
        raise InputError(f"path: {str(path)!r} must end in .onnx.")
    options: dict[str, Any] = {
        "streaming": streaming,
        "chunk": chunk,
        "time_dim": time_dim,
        "dims": dims,
        "length": length,
        "opset": opset,
        "output_names": output_names,
        "metadata": metadata,
        "lookahead": lookahead,
        "running_mean": running_mean,
        # They run on the CPU alone.
        "kernels": kernels and provider in (None, "cpu"),
    }
    if provider is None:
        built = build(model, example_inputs, recurrence=recurrence, fix_batch=fix_batch, **options)
    else:
        form = form_for(provider, recurrence, fixed_steps=(length or chunk) is not None)
        options["fix_batch"] = fix_batch or form.fixed
        built = _build_for(provider, form, model, example_inputs, options)
    if kernels and not use_functions(built.model):
        raise InputError(
            "kernels: the file has no recurrent layer that they could take over: they know the cells of "
            "edgernn and torch's RNN, LSTM and GRU, with recurrence 'auto' or 'op'; its recurrence is "
            f"{built.manifest.recurrence!r}. Leave kernels out."
        )
    make_compact(built.model, pruned=_is_pruned(model))
    manifest = built.manifest
    with atomic_path(path) as temporary:
        ir.save(built.model, temporary)
        if check:
            report = verify(model, temporary, example_inputs=example_inputs)
            report.raise_if_failed()
            manifest = manifest.with_(parity=report.summary())
            attach(built.model, manifest)
            ir.save(built.model, temporary)
    return manifest


def _build_for(
    provider: str,
    form: Form,
    model: nn.Module,
    example_inputs: Tensor | Sequence[Tensor],
    options: Mapping[str, Any],
) -> Built:
    """With the first form of the recurrence that the provider takes, else with the last."""
    *others, last = form.recurrences
    for recurrence in others:
        try:
            built = build(model, example_inputs, recurrence=recurrence, **options)
        except StreamingError:
            raise  # whatever the form of the recurrence
        except ExportError:
            objection = f"not every layer can be written as {recurrence!r}"
        else:
            refusal = takes_recurrence(built.model, provider)
            if refusal is None:
                return built
            objection = refusal.reason
        if last == "unrolled":
            require_steps(provider, objection, options)
    return build(model, example_inputs, recurrence=last, **options)


def _is_pruned(model: nn.Module) -> bool:
    """Whether a matrix that was trained is zero in a tenth of its places."""
    return any(
        parameter.dim() > 1 and int((parameter == 0).sum()) > parameter.numel() // 10
        for parameter in model.parameters()
    )
