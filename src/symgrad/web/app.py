"""The application: the page and its parts as files, and answers as JSON, for this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, abort, request

from symgrad.web.workers import Workers

PAGE: Final = Path(__file__).parent / "page"
FIELDS: Final = ("formula", "declare", "variables", "notation", "low", "high", "start", "parts")
MAX_BYTES: Final = 64 * 1024  # of a question
HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
POLICY: Final = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


def application(workers: Workers) -> Flask:
    """The page over some processes that answer its questions."""
    app = Flask("symgrad", static_folder=str(PAGE), static_url_path="/page")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES

    @app.before_request
    def _only_from_here() -> None:
        """Another site that was made to point at this machine gets nothing."""
        if request.host.rsplit(":", 1)[0] not in HOSTS and request.host not in HOSTS:
            abort(403)

    @app.after_request
    def _guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    def _page() -> Response:
        return app.send_static_file("index.html")

    @app.post("/answer")
    def _answer() -> Any:
        asked = request.get_json(force=True, silent=True)
        if not isinstance(asked, dict):
            abort(400)
        return workers.ask({name: str(asked[name]) for name in FIELDS if name in asked})

    return app
