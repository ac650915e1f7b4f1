"""Serving the page on the loopback interface."""

from __future__ import annotations

import webbrowser
from importlib.util import find_spec
from typing import Final

from symgrad.errors import ArgumentError

HOST: Final = "127.0.0.1"
NEEDED: Final = ("flask", "waitress", "latex2mathml", "pygments")


def serve(port: int = 8642, open_browser: bool = True) -> None:
    """Serve the page until the process is interrupted; nobody but this machine can reach it.

    Parameters
    ----------
    port : int
        0 for any that is free.
    open_browser : bool
        Whether to show the page.

    Raises
    ------
    ArgumentError
        If what the extra ``web`` brings is not installed, or the port is taken.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ArgumentError(f"the page needs {', '.join(missing)}: pip install 'symgrad[web]'")
    from waitress.server import create_server  # noqa: PLC0415

    from symgrad.web.app import application  # noqa: PLC0415
    from symgrad.web.workers import Workers  # noqa: PLC0415

    workers = Workers()
    try:
        try:
            server = create_server(application(workers), host=HOST, port=port, threads=4)
        except OSError as error:
            raise ArgumentError(
                f"cannot listen on port {port}: {error.strerror}; try --port 0"
            ) from None
        address = f"http://{HOST}:{server.effective_port}/"
        print(f"symgrad is at {address}; Ctrl+C ends it", flush=True)
        if open_browser:
            webbrowser.open(address)
        server.run()
    finally:
        workers.close()
