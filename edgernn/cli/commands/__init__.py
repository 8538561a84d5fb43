"""The commands: one module each, found by its file name; its function `command` is what runs.

A command is a function with typer annotations that takes `json: Json = False` and returns an `Outcome`. Heavy
packages are imported inside it, so that `edgernn --help` stays fast.
"""
