"""A Node.js program with a stream class and its TypeScript types."""

from __future__ import annotations

from edgernn.bundle import javascript
from edgernn.bundle.app import App, Files
from edgernn.bundle.render import render

RUNTIME = "onnxruntime-node (npm)"
NEXT = ("npm install", "node main.mjs --check")


def files(app: App) -> Files:
    """See `Target.files`."""
    return render("node", javascript.values(app)) | javascript.shared_files(app) | app.files("models")
