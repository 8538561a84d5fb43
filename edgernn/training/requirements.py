"""Whether the packages that training needs are installed."""

from __future__ import annotations

import importlib.util

from edgernn.errors import MissingDependencyError

_PACKAGES = (
    "torch", "safetensors", "lightning", "torchmetrics", "rapidfuzz", "tensorboard", "pandas", "statsmodels",
    "matplotlib", "jinja2",
)  # fmt: skip


def require_training_packages() -> None:
    """Raise MissingDependencyError, with what to install, where one of them is missing."""
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"training needs the packages {', '.join(missing)}, which are not installed. "
            "Install them with: pip install 'edgernn[train]'"
        )
