"""The errors that edgernn raises: one small tree, each message says what to do next.

The command line exits with 2 for every one of them but `ParityError`, which exits with 1.
"""

from __future__ import annotations


class EdgeRNNError(Exception):
    """Base of every error that edgernn raises on purpose."""


class InputError(EdgeRNNError, ValueError):
    """An argument, a file or an array is not what the call needs."""


class ModelError(EdgeRNNError):
    """A model file is corrupt, foreign, or its manifest and its graph disagree."""


class ExportError(EdgeRNNError):
    """A torch module cannot be written as ONNX in the form that was asked for."""


class StreamingError(ExportError):
    """A torch module cannot stream; the message names the module and the reason."""


class QuantizationError(EdgeRNNError):
    """A file cannot be quantized in the scheme that was asked for."""


class ProviderError(EdgeRNNError):
    """An execution provider is unknown, missing, or did not start."""


class KernelError(EdgeRNNError):
    """The library of kernels cannot be built, or cannot be used here."""


class SignatureError(EdgeRNNError):
    """A file or a folder is not what was signed, or was signed with another key."""


class MissingDependencyError(EdgeRNNError, ImportError):
    """A part of edgernn was called whose packages are not installed."""


class ParityError(EdgeRNNError):
    """Two forms of a network do not compute the same function."""
