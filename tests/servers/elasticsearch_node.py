"""One Elasticsearch from the jars that its authors publish: fetched and compiled the first time, kept in `.local/test-servers`.

Tests come through `tests.servers.elasticsearch`; `make run SEARCH=elasticsearch` by `python -m tests.servers.elasticsearch_node
start FOLDER`, where nothing but the shop's own packages is installed.
"""

import fcntl
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from core.embedded.machine import ServerProblem, free_port
from tests.servers.waiting import wait_for

VERSION = "8.19.0"
REMEDY = "bash deploy/prepare-machine.sh, or apt-get install openjdk-17-jdk-headless maven"
START_SECONDS, END_SECONDS = 90, 20
_SOURCES = Path(__file__).resolve().parent / "elasticsearch"
KEPT = Path(__file__).resolve().parents[2] / ".local" / "test-servers"
# For tests: small, and soon up to speed. A catalogue of a million wants to be measured with more.
SMALL = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LARGE = ("-Xms3g", "-Xmx3g", "-XX:+UseG1GC")
_SWITCHES = ("-Des.distribution.type=tar", "-Dlog4j2.disable.jmx=true")
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
    java: tuple[str, ...] = SMALL

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
        """Start it, again on the same data where there was some, and wait until it answers. Raises ServerProblem."""
        laid = parts()
        with (self.folder / "elasticsearch.log").open("ab") as log:
            started = subprocess.Popen(
                [
                    *("java", *self.java, *_SWITCHES, f"-Djava.io.tmpdir={self.folder}"),
                    *("-cp", f"{laid / 'lib'}/*:{laid / 'launcher'}", "Launcher"),
                    *(str(self.folder), str(self.port), str(self.transport_port)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(started.pid))
        wait_for(lambda: self._answers(started), "Elasticsearch did not answer", seconds=START_SECONDS)

    def stop(self) -> None:
        """Let it end in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: a crash."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            victim = psutil.Process(self.process)
            if "Launcher" in victim.cmdline():  # numbers of processes that are gone are given out again
                victim.send_signal(by)
                victim.wait(END_SECONDS)

    def _answers(self, started: "subprocess.Popen[bytes]") -> bool:
        if started.poll() is not None:
            raise ServerProblem(f"Elasticsearch ended:\n{(self.folder / 'elasticsearch.log').read_text()[-3000:]}")
        with suppress(httpx.TransportError):
            asked = httpx.get(
                f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s", timeout=5, trust_env=False
            )
            return asked.status_code == httpx.codes.OK
        return False


def made_in(folder: Path, *, java: tuple[str, ...] = SMALL) -> ElasticsearchServer:
    """A node laid out, not started; one that was there before keeps its data, and its ports where they are still free.

    Raises ServerProblem when its jars can not be had.
    """
    laid = parts()
    for name in ("config", "plugins"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "config" / "log4j2.properties").write_text(_LOGGING)
    for name, classname in _MODULES.items():
        module = folder / "modules" / name
        shutil.copytree(laid / name, module, dirs_exist_ok=True)
        text = _DESCRIPTOR.format(name=name, version=VERSION, classname=classname)
        (module / "plugin-descriptor.properties").write_text(text)
    told = folder / "node.json"
    before = json.loads(told.read_text()) if told.exists() else {}
    ports = {name: free_port(before.get(name, 0)) for name in ("port", "transport_port")}
    told.write_text(json.dumps(ports))
    return ElasticsearchServer(folder, ports["port"], ports["transport_port"], java)


def missing_programs() -> list[str]:
    """What it needs and this machine lacks: a JDK and Maven the first time, Java alone from then on."""
    needed = ("java",) if _parts_folder().is_dir() else ("java", "javac", "jar", "mvn")
    return [name for name in needed if shutil.which(name) is None]


def main(arguments: list[str]) -> int:
    """`start FOLDER`: start the node of a folder, print its address; 1 after one clear line saying what is wrong."""
    if len(arguments) != 2 or arguments[0] != "start":
        sys.stderr.write("usage: python -m tests.servers.elasticsearch_node start FOLDER\n")
        return 2
    if lacking := missing_programs():
        sys.stderr.write(f"Elasticsearch needs {', '.join(lacking)}: {REMEDY}\n")
        return 1
    try:
        server = made_in(Path(arguments[1]))
        server.start()
    except (ServerProblem, AssertionError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(f"{server.url}\n")
    return 0


def parts() -> Path:
    """The folder with the server's jars, modules and launcher, fetched and compiled the first time. Raises ServerProblem."""
    folder = _parts_folder()
    if folder.is_dir():
        return folder
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=KEPT, ignore_cleanup_errors=True) as draft:
                half = Path(draft) / "half"
                _make(half)
                half.rename(folder)
    return folder


def _parts_folder() -> Path:
    """Named by what it is made from, so that a change of the launcher is compiled."""
    digest = hashlib.sha256()
    for source in sorted((*_SOURCES.glob("*.xml"), *_SOURCES.glob("java/*.java"))):
        digest.update(source.read_bytes())
    return KEPT / f"elasticsearch-{VERSION}-{digest.hexdigest()[:8]}"


def _make(half: Path) -> None:
    _fetch("server-pom.xml", half / "lib")
    _fetch("transport-pom.xml", half / "transport-netty4")
    _compile("Launcher.java", half / "launcher", half)
    _compile("ShopAnalysis.java", half / "classes", half)
    (half / "shop-analysis").mkdir()
    archive = half / "shop-analysis" / "shop-analysis.jar"
    _run(["jar", "cf", str(archive), "-C", str(half / "classes"), "."])


def _fetch(description: str, folder: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    _run(["mvn", "-q", "-B", "-f", str(_SOURCES / description), *goal])


def _compile(source: str, folder: Path, half: Path) -> None:
    _run(["javac", "-nowarn", "-cp", f"{half / 'lib'}/*", "-d", str(folder), str(_SOURCES / "java" / source)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerProblem(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
