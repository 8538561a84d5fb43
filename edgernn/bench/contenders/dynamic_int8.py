"""The default path's int8: onnxruntime's `quantize_dynamic` of what torch exported."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

from edgernn.bench.contenders.base import DEFAULT_PATH, Contender
from edgernn.bench.contenders.plain import foreign_states, plain_contender, start_plain
from edgernn.errors import QuantizationError

DYNAMIC_INT8 = f"{DEFAULT_PATH}, int8"


def dynamic_int8_contender(
    source: Path, path: Path, *, inputs: int = 1, outputs: int = 1, provider: str = "cpu", threads: int = 1
) -> Contender:
    """Quantize the file at `source`, which the default path wrote, to `path`, and run it by hand, batch 1.

    Args:
        source, path: float32 file and the file to write.
        inputs, outputs: how many of the graph's inputs and outputs are no states.
        provider, threads: as in `edgernn.load`.

    Raises:
        QuantizationError: where no recurrent layer is quantized.
    """
    from onnxruntime.quantization import quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folded = path.with_suffix(".folded.onnx")
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # torch's file rebuilds the weights by slices at run time, and quantize_dynamic leaves alone
            # what is no initializer: fold first.
            quant_pre_process(str(source), str(folded), skip_symbolic_shape=True)
            quantize_dynamic(str(folded), str(path))
    finally:
        root.setLevel(level)
    if path.stat().st_size > 0.5 * source.stat().st_size:
        raise QuantizationError(
            f"onnxruntime's quantize_dynamic left the weights of {str(source)!r} in float32: it quantizes "
            "LSTM and MatMul, no GRU."
        )
    session = start_plain(path, provider, threads)
    names = (
        [item.name for item in session.get_inputs()[:inputs]],
        [item.name for item in session.get_outputs()[:outputs]],
    )
    return plain_contender(
        DYNAMIC_INT8,
        "torch.onnx.export, quantize_dynamic, session.run by hand",
        session,
        names,
        foreign_states(session, inputs, outputs, 1),
        exact=False,
        file_bytes=path.stat().st_size,
    )
