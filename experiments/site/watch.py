"""Runs watched in a browser on this machine: a page that asks for their state every two seconds.

The server answers this machine alone. It listens on 127.0.0.1, and refuses requests that name
another host, which a page elsewhere could send through a browser here.
"""

from __future__ import annotations

import json
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from experiments.commands.output import say
from experiments.exit_code import ConfigError
from experiments.site.live import MOST_FIGURES, Live, archive_hash
from experiments.site.template import asset, render
from experiments.site.words import plain
from experiments.store import system_error

HERE = "127.0.0.1"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_KINDS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
}


class Server(ThreadingHTTPServer):
    """The server of one results folder.

    Parameters
    ----------
    results
        The folder.
    port
        Port on 127.0.0.1; a free one if 0.
    """

    daemon_threads = True

    def __init__(self, results: Path, port: int = 0) -> None:
        self._live, self._lock = Live(results), threading.Lock()
        name = plain(results.absolute().name)
        page = render(
            "watch.html", root="", docs=False, own=name, live=True, title=f"Runs in {name}"
        )
        self._files = {"/": ("html", page)}
        for file in ("site.css", "site.js", "watch.js"):
            self._files[f"/{file}"] = (file.rpartition(".")[2], asset(file))
        super().__init__((HERE, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away in the middle of an answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://{HERE}:{self.server_address[1]}/"

    def answer(self, target: str) -> tuple[str, str] | None:
        """Give kind and content of what an address names; None if there is no such thing."""
        parts = urlsplit(target)
        if parts.path != "/state.json":
            return self._files.get(parts.path)
        names = parse_qs(parts.query).get("runs", [""])[0].split(",")
        chosen = [name for name in names if archive_hash(name)][:MOST_FIGURES]
        with self._lock:
            return "json", json.dumps(self._live.state(chosen), allow_nan=False)

    def is_here(self, host: str | None) -> bool:
        """Whether a request names this machine, at this port, as its host."""
        port = self.server_address[1]
        return host in (f"{HERE}:{port}", f"localhost:{port}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "watch"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        """Answer with a file or the state."""
        server = self.server
        assert isinstance(server, Server)
        if not server.is_here(self.headers.get("Host")):
            self._send(HTTPStatus.FORBIDDEN, "html", "this page is for 127.0.0.1 alone\n")
            return
        found = server.answer(self.path)
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, "html", "there is no such page\n")
            return
        self._send(HTTPStatus.OK, *found)

    do_HEAD = do_GET

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{_KINDS[kind]}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name there
        """Print nothing for each request."""


def watch(results: Path, port: int) -> None:
    """Serve the page of a results folder until the command is interrupted.

    Raises
    ------
    ConfigError
        If the port cannot be had.
    """
    if not 0 <= port < 2**16:
        raise ConfigError(f"--port {port}: expected 0 to 65535")
    try:
        server = Server(results.expanduser(), port)
    except OSError as error:
        reason = system_error.reason(error)
        raise ConfigError(f"--port {port}: {reason}; --port 0 takes a free one") from error
    with server:
        say(f"{server.address} shows {results} while runs go on; Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
