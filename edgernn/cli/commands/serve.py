"""`edgernn serve`: a model behind WebSocket and HTTP."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from edgernn.cli.options import Json, ModelFile, Provider, Threads
from edgernn.cli.outcome import Outcome


def command(
    file: ModelFile,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
    max_clients: Annotated[int, typer.Option(help="Streams at once.")] = 256,
    max_message: Annotated[int, typer.Option(help="Bytes of a message, and of a JSON request.")] = 256 * 1024,
    max_body: Annotated[int, typer.Option(help="Bytes of a .npy request.")] = 64 * 1024 * 1024,
    max_sequences: Annotated[int, typer.Option(help="Whole sequences at work or waiting.")] = 16,
    max_rate: Annotated[
        float,
        typer.Option(help="Time steps a second of each stream; who sends faster waits.", show_default="any"),
    ] = math.inf,
    idle_timeout: Annotated[
        float, typer.Option(help="Seconds until a client is let go that sends nothing or takes no answer.")
    ] = 60.0,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="A web page that may use it, e.g. https://my.site; may be repeated."
        ),
    ] = None,
    provider: Provider = "cpu",
    threads: Threads = 1,
    json: Json = False,
) -> Outcome:
    """Serve a file over WebSocket (streams) and HTTP (whole sequences); many streams share a call.

    Routes: /stream, POST /run, /health, /model, /metrics (Prometheus), /docs. A message of time steps is
    answered by one of outputs; examples/serve_client.py is a client. It listens on this machine alone,
    without encryption or password: put a proxy that has both in front before you let others in.
    """
    import edgernn
    from edgernn.cli.console import print_note, stdout
    from edgernn.cli.outcome import print_json
    from edgernn.serving import Limits, listen, make_server

    limits = Limits(max_clients, max_message, max_body, max_sequences, max_rate, idle_timeout)
    server = make_server(edgernn.load(file, provider=provider, threads=threads), limits, allow_origin or ())
    socket = listen(host, port)
    address, bound = socket.getsockname()[:2]
    url = f"http://{address}:{bound}"
    if host not in ("127.0.0.1", "localhost", "::1"):
        print_note(f"whoever reaches {host}:{bound} may use it: there is no password and no encryption.")
    if json:
        print_json({"url": url, "stream": f"ws://{address}:{bound}/stream"})
    else:
        stdout().print(f"Serving {file} on {url}, streams on ws://{address}:{bound}/stream", soft_wrap=True)
    server.run(sockets=[socket])
    return Outcome(None, lambda console: None)
