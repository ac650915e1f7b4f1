"""The command `serve`: the page in a browser on this machine."""

from __future__ import annotations

import argparse

from symgrad.web.server import serve


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl+C."""
    try:
        serve(arguments.port, not arguments.no_browser)
    except KeyboardInterrupt:
        print()
    return 0
