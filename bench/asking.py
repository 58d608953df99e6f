"""Clients of a running shop that ask for pages: each as soon as the one before is answered, or at a rate."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from urllib.parse import urlsplit


@dataclass(slots=True)
class Asked:
    """Seconds of each answer that was a 200, by which engine those came, and how many answers were others."""

    seconds: list[float] = field(default_factory=list)
    engines: Counter[str] = field(default_factory=Counter)
    others: int = 0

    async def ask(self, url: str, path: str, *, since: float | None = None) -> None:
        """Ask once, and note the answer; its seconds count from ``since``."""
        begin = time.perf_counter() if since is None else since
        answer = await _get(url, path)
        if answer[9:12] == b"200":
            self.seconds.append(time.perf_counter() - begin)
            engine = answer.lower().partition(b"x-search-engine: ")[2].partition(b"\r\n")[0].decode()
            self.engines[engine] += 1
        else:
            self.others += 1


def ask_in_turn(url: str, paths: Sequence[str], *, clients: int, seconds: float) -> Asked:
    """``clients`` that each ask for the next path when they have their answer, for so long."""
    asked, ahead = Asked(), cycle(paths)
    end = time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            await asked.ask(url, next(ahead))

    async def all_of_them() -> None:
        await asyncio.gather(*(client() for _ in range(clients)))

    asyncio.run(all_of_them())
    return asked


def ask_each(url: str, paths: Sequence[str]) -> Asked:
    """Each path once, one after the other."""
    asked = Asked()

    async def all_of_them() -> None:
        for path in paths:
            await asked.ask(url, path)

    asyncio.run(all_of_them())
    return asked


async def ask_at_a_rate(url: str, paths: Sequence[str], *, rate: float, seconds: float) -> Asked:
    """Requests that begin at the rate, whatever the answers take: who has to wait for others has that in its own time."""
    asked = Asked()
    begin = time.perf_counter()

    async def client(place: int, path: str) -> None:
        due = begin + place / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await asked.ask(url, path, since=due)

    every = enumerate(islice(cycle(paths), int(rate * seconds)))
    await asyncio.gather(*(client(place, path) for place, path in every))
    return asked


async def _get(url: str, path: str) -> bytes:
    """The whole answer, over a connection of its own; nothing where that broke."""
    host = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
    except OSError:
        return b""
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read(-1)
    except OSError:
        return b""
    finally:
        writer.close()
