"""onnxruntime's own file format, and the list of operators that a small build of onnxruntime needs.

A build of onnxruntime with `--include_ops_by_config required_operators.config --minimal_build` has these
operators and no others, and reads .ort files only.
"""

from __future__ import annotations

import logging
import re
import tempfile
import warnings
from pathlib import Path

import onnxruntime

from edgernn.errors import InputError

CONFIG = "required_operators.config"


def to_ort(path: Path) -> tuple[bytes, dict[str, bytes]]:
    """The model in ORT format, and its `required_operators.config` by name.

    The graph is optimized as far as every processor can run it: what depends on this machine's stays out.

    Raises InputError where onnxruntime cannot write it.
    """
    with tempfile.TemporaryDirectory(prefix="edgernn-ort-") as folder:
        target = Path(folder) / "model.ort"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(target)
        options.add_session_config_entry("session.save_model_format", "ORT")
        options.log_severity_level = 4
        try:
            onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise InputError(f"format: onnxruntime cannot write {str(path)!r} as ort: {error}.") from error
        return target.read_bytes(), {CONFIG: operators_config(target)}


def operators_config(model: Path) -> bytes:
    """What onnxruntime's build script takes: a line `domain;opset;operator,operator` for each domain."""
    from onnxruntime.tools.ort_format_model import create_config_from_models

    # It logs what it did.
    logging.getLogger(create_config_from_models.__module__.removeprefix("onnxruntime.tools.")).setLevel(
        logging.WARNING
    )
    config = model.with_name(CONFIG)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves the closing of the file to chance
        create_config_from_models([model], config, enable_type_reduction=False)
    # The first lines of its own name this machine's folders.
    lines = [line for line in config.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    head = "# Operators that the model needs, for onnxruntime's build.py --include_ops_by_config"
    return "\n".join([head, *lines, ""]).encode()


def operators_in(config: bytes) -> tuple[str, ...]:
    """The operators of a config, those of other domains than ONNX's own with the domain in front."""
    found = []
    for line in config.decode().splitlines():
        parts = re.fullmatch(r"([\w.]+);\d+(?:,\d+)*;(.*)", line)
        if parts:
            front = "" if parts[1] == "ai.onnx" else f"{parts[1]}."
            found += [f"{front}{name}" for name in re.sub(r"\{.*?\}", "", parts[2]).split(",") if name]
    return tuple(sorted(set(found)))
