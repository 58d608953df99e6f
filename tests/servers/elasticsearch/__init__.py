"""A real Elasticsearch without a container: the jars that its authors publish, a launcher, and the analysis of our mapping.

`shared_elasticsearch()` is one for the whole test run, started by whoever wants it first; `private_elasticsearch()` is one test's
own.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from core.embedded import free_port
from tests.requirements import REPOSITORY, command
from tests.servers.waiting import wait_for

VERSION = "8.19.0"
FOLDER = "TEST_ELASTICSEARCH_FOLDER"  # where the run's shared one lives, told by `python -m tests.servers`
START_SECONDS = 90
_HERE = Path(__file__).resolve().parent
_PARTS = REPOSITORY / ".local" / "test-servers" / f"elasticsearch-{VERSION}"
_MEMORY = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# Elasticsearch 8's own switches: entitlements need an agent that is in no jar.
_SWITCHES = ("-Des.distribution.type=tar", "-Djava.security.manager=allow", "-Dlog4j2.disable.jmx=true")
_MODULES = {"transport-netty4": "org.elasticsearch.transport.netty4.Netty4Plugin", "shop-analysis": "ShopAnalysis"}
_DESCRIPTOR = """
name={name}
description=as its name says
version={version}
elasticsearch.version={version}
java.version=17
classname={classname}
"""
_LOGGING = """
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


@dataclass(frozen=True, slots=True)
class ElasticsearchServer:
    """A node in a folder of its own; its address and what it was told survive a kill."""

    folder: Path
    port: int
    transport_port: int

    @property
    def url(self) -> str:
        """What clients are told."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> int:
        """Its process number; 0 before its first start."""
        with suppress(FileNotFoundError):
            return int((self.folder / "pid").read_text())
        return 0

    def start(self) -> None:
        """Start it, again on the same data where there was some, and wait until it answers."""
        java = command("java", "bash deploy/prepare-machine.sh, or apt-get install openjdk-17-jdk-headless")
        parts = _parts()
        with (self.folder / "elasticsearch.log").open("ab") as log:
            started = subprocess.Popen(
                [
                    *(java, *_MEMORY, *_SWITCHES, f"-Djava.io.tmpdir={self.folder}"),
                    *("-cp", f"{parts / 'lib'}/*:{parts / 'launcher'}", "Launcher"),
                    *(str(self.folder), str(self.port), str(self.transport_port)),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(started.pid))
        wait_for(lambda: self._answers(started), "Elasticsearch did not answer", seconds=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL: a crash."""
        with suppress(psutil.NoSuchProcess):
            victim = psutil.Process(self.process)
            victim.kill()
            victim.wait(10)

    def _answers(self, started: "subprocess.Popen[bytes]") -> bool:
        if started.poll() is not None:
            raise AssertionError(f"Elasticsearch ended:\n{(self.folder / 'elasticsearch.log').read_text()[-3000:]}")
        with suppress(httpx.TransportError):
            asked = httpx.get(
                f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5, trust_env=False
            )
            return asked.status_code == httpx.codes.OK
        return False


@contextmanager
def private_elasticsearch() -> Iterator[ElasticsearchServer]:
    """A node that one test owns, and may kill and start again; removed at the end."""
    with _folder() as folder:
        server = _made_in(folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def shared_elasticsearch() -> str:
    """The address of the run's node, or of the one that TEST_ELASTICSEARCH_URL names."""
    given = os.environ.get("TEST_ELASTICSEARCH_URL", "")
    if given:
        return given
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = folder / "elasticsearch.json"
        if not told.exists():
            server = _made_in(folder)
            server.start()
            told.write_text(json.dumps({"url": server.url}))
        return str(json.loads(told.read_text())["url"])


@contextmanager
def room_for_shared_elasticsearch() -> Iterator[dict[str, str]]:
    """A folder in which `shared_elasticsearch` may start one, and the environment that says so; both are gone at the end."""
    with _folder() as folder:
        try:
            yield {FOLDER: str(folder)}
        finally:
            ElasticsearchServer(folder, 0, 0).kill()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"harbour-search-{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _made_in(folder: Path) -> ElasticsearchServer:
    """A node with its modules laid out, not started."""
    parts = _parts()
    (folder / "config").mkdir()
    (folder / "config" / "log4j2.properties").write_text(_LOGGING)
    (folder / "plugins").mkdir()
    for name, classname in _MODULES.items():
        module = folder / "modules" / name
        shutil.copytree(parts / name, module)
        text = _DESCRIPTOR.format(name=name, version=VERSION, classname=classname)
        (module / "plugin-descriptor.properties").write_text(text)
    return ElasticsearchServer(folder, free_port(), free_port())


def _parts() -> Path:
    """The folder with the server's jars, its modules and the launcher, fetched and compiled the first time."""
    if _PARTS.is_dir():
        return _PARTS
    _PARTS.parent.mkdir(parents=True, exist_ok=True)
    with (_PARTS.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _PARTS.is_dir():
            half = Path(tempfile.mkdtemp(dir=_PARTS.parent))
            _fetch("server-pom.xml", half / "lib")
            _fetch("transport-pom.xml", half / "transport-netty4")
            _compile("Launcher.java", half / "launcher", half)
            _compile("ShopAnalysis.java", half / "classes", half)
            (half / "shop-analysis").mkdir()
            archive = half / "shop-analysis" / "shop-analysis.jar"
            subprocess.run([_tool("jar"), "cf", str(archive), "-C", str(half / "classes"), "."], check=True)
            shutil.move(half, _PARTS)
    return _PARTS


def _fetch(description: str, folder: Path) -> None:
    maven = command("mvn", "bash deploy/prepare-machine.sh, or apt-get install maven")
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    subprocess.run([maven, "-q", "-B", "-f", str(_HERE / description), *goal], cwd=_HERE, check=True)


def _compile(source: str, folder: Path, half: Path) -> None:
    paths = ["-cp", f"{half / 'lib'}/*", "-d", str(folder)]
    subprocess.run([_tool("javac"), "-nowarn", *paths, str(_HERE / "java" / source)], check=True, capture_output=True)


def _tool(name: str) -> str:
    return command(name, "bash deploy/prepare-machine.sh, or apt-get install openjdk-17-jdk-headless")
