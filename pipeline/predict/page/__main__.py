"""Serve the page on this machine alone: `python -m pipeline.predict.page [--port NUMBER]`."""

import argparse
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

import uvicorn

from pipeline.command import command
from pipeline.errors import UserError
from pipeline.wait_policy import choose_wait_policy

HOST, PORT = "127.0.0.1", 8048


@command("try")
def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.predict.page", description="A page to try a photo or the camera."
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"0 takes a free one ({PORT})")
    parser.add_argument("--model", help="cnn, dnn, a folder with a trained model, or an address")
    chosen = parser.parse_args(arguments)
    with suppress(KeyboardInterrupt):  # the end of it
        serve(chosen.port, chosen.model)
    return 0


def serve(port: int, model: str | None) -> None:
    """Load the model and answer.

    Raises:
        UserError: there is no such model, or the port is taken.
    """
    try:
        door = socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        raise UserError(
            f"port {port}: {getattr(error, 'strerror', None) or error}; "
            "choose another: python -m pipeline.predict.page --port 8049"
        ) from None
    with door:
        from pipeline.params import load
        from pipeline.predict.model import load_recogniser
        from pipeline.predict.page.app import make_app
        from pipeline.saliency.params import Saliency

        params = load()
        title, recogniser, _ = load_recogniser(params, model)
        app = make_app(title, recogniser, params.section(Saliency))
        print(f"http://{HOST}:{door.getsockname()[1]} - Ctrl-C ends it", flush=True)
        settings = uvicorn.Config(app, log_level="warning", server_header=False, lifespan="off")
        uvicorn.Server(settings).run(sockets=[door])


if __name__ == "__main__":
    choose_wait_policy()
    sys.exit(main())
