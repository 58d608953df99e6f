"""Toxiproxy between a test and a real server: the server stays as it is; the way to it is cut, silent, slow, or cuts answers.

`with running_toxiproxy() as toxiproxy: way = toxiproxy.before(server.url)`; what uses `way.url` goes through it. Each trouble
lasts as long as its `with`, and meets connections that are open already as well as new ones.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from core.embedded import free_port
from tests.requirements import command
from tests.servers.waiting import wait_for

REMEDY = "bash deploy/prepare-machine.sh builds it, with Go"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a server, by a port of its own."""

    control: str
    url: str

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Connections are refused, and open ones are closed: the server is gone."""
        self._set(enabled=False)
        try:
            yield
        finally:
            self._set(enabled=True)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Connections are taken and requests reach the server; no byte of an answer comes back."""
        with self._toxic("timeout", timeout=0):
            yield

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Connections are taken; no byte of a request reaches the server."""
        with self._toxic("timeout", stream="upstream", timeout=0):
            yield

    @contextmanager
    def cutting_after(self, size: int) -> Iterator[None]:
        """Each connection is closed after that many bytes of answers."""
        with self._toxic("limit_data", bytes=size):
            yield

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        """Answers come that much later."""
        with self._toxic("latency", latency=round(seconds * 1000)):
            yield

    @contextmanager
    def trickling(self, size: int, seconds: float) -> Iterator[None]:
        """Answers come in pieces of about that many bytes, each that much later than the one before."""
        with self._toxic("slicer", average_size=size, size_variation=0, delay=round(seconds * 1_000_000)):
            yield

    @contextmanager
    def _toxic(self, kind: str, *, stream: str = "downstream", **attributes: int) -> Iterator[None]:
        toxic = {"name": kind, "type": kind, "stream": stream, "attributes": attributes}
        _ask("POST", f"{self.control}/toxics", toxic)
        try:
            yield
        finally:
            _ask("DELETE", f"{self.control}/toxics/{kind}")

    def _set(self, *, enabled: bool) -> None:
        _ask("POST", self.control, {"enabled": enabled})


@dataclass(frozen=True, slots=True)
class Toxiproxy:
    """Where it takes orders."""

    control: str

    def before(self, url: str) -> Way:
        """A way to the server at ``url``."""
        parts, port = urlsplit(url), free_port()
        name = f"way-{port}"
        told = {"name": name, "listen": f"127.0.0.1:{port}", "upstream": f"{parts.hostname}:{parts.port}"}
        _ask("POST", f"{self.control}/proxies", told)
        userinfo = parts.netloc.rpartition("@")[0]
        address = f"{userinfo}@127.0.0.1:{port}" if userinfo else f"127.0.0.1:{port}"
        return Way(f"{self.control}/proxies/{name}", urlunsplit(parts._replace(netloc=address)))


@contextmanager
def running_toxiproxy() -> Iterator[Toxiproxy]:
    """A Toxiproxy of one's own, ended at the end with all its ways."""
    program, port = command("toxiproxy-server", REMEDY), free_port()
    process = subprocess.Popen(
        [program, "-host", "127.0.0.1", "-port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    control = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _answers(control), "Toxiproxy did not answer")
        yield Toxiproxy(control)
    finally:
        process.terminate()
        process.wait()


def _answers(control: str) -> bool:
    try:
        return httpx.get(f"{control}/version", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _ask(method: str, url: str, told: dict[str, Any] | None = None) -> None:
    httpx.request(method, url, json=told, timeout=10, trust_env=False).raise_for_status()
