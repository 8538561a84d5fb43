"""A page with microphone or file input and a live plot, the model in a worker."""

from __future__ import annotations

from edgernn.bundle import javascript
from edgernn.bundle.app import App, Files
from edgernn.bundle.render import render

RUNTIME = "onnxruntime-web (npm), WebAssembly or WebGPU"
NEXT = ("npm install", "npm start")


def files(app: App) -> Files:
    """See `Target.files`."""
    return render("web", javascript.values(app)) | javascript.shared_files(app) | app.files("models")
