"""Proof that a file computes what its network computes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from edgernn.errors import InputError, ModelError
from edgernn.network_folder import is_network_folder
from edgernn.quantize import int8_static
from edgernn.quantize.static.ranges import input_ranges
from edgernn.runtime import Session, load
from edgernn.verify.greedy import verify_greedy, writes_by_itself
from edgernn.verify.inputs import InputMaker
from edgernn.verify.oracle import FileOracle, Oracle, ReferenceOracle, TorchOracle
from edgernn.verify.precision import computed_in
from edgernn.verify.report import Check, ParityReport, judge_decisions, output_scale
from edgernn.verify.sequence import check_sequence, fixed_steps, least_steps, step_unit
from edgernn.verify.stream import check_stream
from edgernn.verify.tolerances import share_of_decisions, tolerance

__all__ = ["Check", "ParityReport", "verify"]


def verify(
    model_or_path: nn.Module | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    example_inputs: Tensor | Sequence[Tensor] | None = None,
    seed: int = 0,
    provider: str = "cpu",
    raise_on_failure: bool = False,
) -> ParityReport:
    """Compare an exported file with its network, at other sizes than it was exported with.

    A sequence file is compared at several batches and lengths. A streaming file is compared with the whole
    sequence under fixed and random chunk schedules, from initial and random states, final states included.
    Both are compared with torch and with the float64 reference, and with themselves on two threads.

    Args:
        model_or_path: the torch module; or the run folder of `edgernn train`; or another file of edgernn with
            a sequence graph, e.g. the float32 file of a quantized one; or, of a file that `export_greedy`
            wrote, the network folder it was made of.
        path: the file.
        example_inputs: inputs whose values are drawn from, of a quantized file in stretches, in their order;
            without them they are standard normal, which is not what a network with its own normalisation was
            trained on. A run folder brings its own.
        provider: where the file runs; the oracles run on the CPU. On a device this is its parity test.
        seed: of the random inputs and schedules.
        raise_on_failure: whether a failed check raises ParityError.

    Returns:
        The report: `.passed`, `.checks`, `.max_abs_error`, `.to_json()`.

    Raises:
        InputError, ModelError: where an argument or a file is not usable.
        ProviderError: where the provider is unknown, missing, or does not run the file.
        ParityError: where a check fails and `raise_on_failure` is set.
    """
    session, two_threads = load(path, provider=provider), load(path, provider=provider, threads=2)
    model, examples = _resolve(model_or_path, example_inputs)
    if writes_by_itself(session):
        written = verify_greedy(model, session, examples, seed)
        if raise_on_failure:
            written.raise_if_failed()
        return written
    if examples is not None and len(examples) != len(session.inputs):
        raise InputError(
            f"example_inputs: {len(examples)} arrays for {len(session.inputs)} inputs of the file."
        )
    maker = InputMaker(session.manifest, examples, seed, in_order=session.manifest.scheme != "float32")
    oracles: list[Oracle]
    if isinstance(model, nn.Module):
        oracles = [TorchOracle(model, session.manifest), ReferenceOracle(model)]
    else:
        oracles = [FileOracle(model)]
    scheme, dtype = session.manifest.scheme, computed_in(session)
    check = check_stream if session.manifest.streaming else check_sequence
    checks: list[Check] = []
    with torch.inference_mode(), _one_torch_thread():
        try:
            for item in check(
                session,
                two_threads,
                oracles,
                maker,
                tolerance(dtype, scheme),
                tolerance(dtype, scheme, against_itself=True),
                _scales(oracles[0], session, maker),
            ):
                checks.append(item)  # noqa: PERF402 - those before a failure are kept
        except ModelError as error:
            # It loads, and yet there is a batch or a length that it does not run at.
            checks.append(Check("the file runs", str(error), math.inf, math.inf, 0.0, False))
    checks += judge_decisions(checks, share_of_decisions(dtype, scheme))
    skipped = tuple(
        f"starting states and final states against {oracle.name}: {oracle.takes_states}"
        for oracle in oracles
        if session.manifest.streaming and oracle.takes_states is not None
    )
    warnings = tuple(_clipped_inputs(path, scheme, maker))
    report = ParityReport(str(path), tuple(checks), skipped, warnings, provider)
    if raise_on_failure:
        report.raise_if_failed()
    return report


def _clipped_inputs(path: str | os.PathLike[str], scheme: str, maker: InputMaker) -> Iterator[str]:
    """A sentence for each input that went beyond the range of a file with fixed ranges."""
    if scheme != int8_static.NAME:
        return
    for name, (low, high) in input_ranges(path).items():
        least, most = maker.extremes.get(name, (low, high))
        # Half a step beyond the last number is still rounded to it.
        step = (high - low) / 255
        if least < low - step or most > high + step:
            yield (
                f"Input {name!r} was {least:.4g} to {most:.4g}; the file clips it to {low:.4g} to "
                f"{high:.4g}, its calibration data's. Calibrate with data that hold the extremes, or with "
                "room beside them: --set margin=1.2."
            )


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Within the block torch computes on one thread: several wait for each other on networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _scales(oracle: Oracle, session: Session, maker: InputMaker) -> list[float]:
    """The scale of each output, from one larger run."""
    # A stream takes any number of its chunks; a sequence of fixed length takes only that.
    least = least_steps(session, oracle, maker)
    steps = (
        least
        if fixed_steps(session) and not session.manifest.streaming
        else least + 31 * session.manifest.hop * step_unit(session, oracle, maker, least)
    )
    batch = 4 if any("batch" in spec.dims for spec in session.inputs) else 1
    try:
        outputs = oracle.run(maker.inputs(batch, steps))
    except RuntimeError as error:
        # torch refuses other lengths where a module packs with enforce_sorted=True.
        if "sorted in decreasing order" not in str(error):
            raise
        maker.longest_first = True
        outputs = oracle.run(maker.inputs(batch, steps))
    return [output_scale(output) for output in outputs]


def _resolve(
    model_or_path: nn.Module | str | os.PathLike[str], example_inputs: Tensor | Sequence[Tensor] | None
) -> tuple[nn.Module | str | os.PathLike[str], list[np.ndarray] | None]:
    """The module or the path of a file, and example values."""
    model: nn.Module | str | os.PathLike[str] = model_or_path
    if not isinstance(model_or_path, nn.Module) and is_network_folder(model_or_path):
        return model, None
    if not isinstance(model_or_path, nn.Module) and os.path.isdir(model_or_path):
        from edgernn.training import load_run

        run = load_run(model_or_path)
        model = run.model
        if example_inputs is None:
            example_inputs = run.example_inputs()
    if example_inputs is None:
        return model, None
    tensors = [example_inputs] if isinstance(example_inputs, Tensor) else list(example_inputs)
    return model, [tensor.detach().cpu().numpy() for tensor in tensors]
