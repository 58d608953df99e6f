"""An HTTP server of a test's own that answers what the test says, in the place of somebody else's."""

import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.requirements import command


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``what`` is its method and path, ``given`` its query and its form together."""

    host: str
    what: str
    query: str
    body: str
    given: dict[str, list[str]]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    body: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def standing_in(answer: Callable[[Asked], Answer], *, certificate: Path | None = None) -> Iterator[int]:
    """Answer on a port of its own, which is what this gives; over TLS with a ``certificate``, a file with its key beside it."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            where = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            said = answer(
                Asked(
                    host=self.headers.get("Host", "").partition(":")[0],
                    what=f"{self.command} {where.path}",
                    query=where.query,
                    body=body,
                    given=parse_qs(where.query) | parse_qs(body),
                    headers=dict(self.headers),
                )
            )
            self.send_response(said.status)
            for name, value in {**said.headers, "Content-Length": str(len(said.body.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body.encode())

        do_GET = do_POST = do_OPTIONS = _answer  # noqa: N815 - the base class calls them so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A browser tries a connection and drops it: nobody needs to hear of that. What else goes wrong fails the test."""
            if not isinstance(sys.exc_info()[1], ssl.SSLError | ConnectionError):
                super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(folder: Path) -> Path:
    """A certificate that nobody trusts, for whoever is told not to look."""
    path = folder / "stand_in.crt"
    openssl = command("openssl", "apt-get install openssl")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path.with_suffix(".key"))
    subprocess.run(
        [openssl, "req", "-x509", *key, "-out", path, "-days", "2", "-subj", "/CN=stand-in"],
        check=True,
        capture_output=True,
    )
    return path
