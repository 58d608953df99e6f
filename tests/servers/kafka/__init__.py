"""A real Kafka without a container: the jars that its authors publish, one combined broker and controller, started in seconds.

`shared_kafka()` is one for the whole test run, started by whoever wants it first; `private_kafka()` is one test's own.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from core.embedded import free_port
from tests.requirements import REPOSITORY, command
from tests.servers.waiting import wait_for

VERSION = "3.9.1"
FOLDER = "TEST_KAFKA_FOLDER"  # where the run's shared one lives, told by `python -m tests.servers`
START_SECONDS = 60
_HERE = Path(__file__).resolve().parent
_JARS = REPOSITORY / ".local" / "test-servers" / f"kafka-{VERSION}"
_MEMORY = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker in a folder of its own; its address and what it was told survive a kill."""

    folder: Path
    port: int

    @property
    def servers(self) -> str:
        """What clients are told as bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    @property
    def process(self) -> int:
        """The broker's process number; 0 before its first start."""
        with suppress(FileNotFoundError):
            return int((self.folder / "pid").read_text())
        return 0

    def start(self) -> None:
        """Start it, again on the same log where there was one, and wait until it answers."""
        with (self.folder / "kafka.log").open("ab") as log:
            started = subprocess.Popen(
                [*_java(), *_MEMORY, "kafka.Kafka", str(self.folder / "server.properties")],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(started.pid))
        wait_for(lambda: self._answers(started), "Kafka did not answer", seconds=START_SECONDS)

    def kill(self) -> None:
        """SIGKILL: a crash."""
        with suppress(psutil.NoSuchProcess):
            victim = psutil.Process(self.process)
            victim.kill()
            victim.wait(10)

    def _answers(self, started: "subprocess.Popen[bytes]") -> bool:
        if started.poll() is not None:
            raise AssertionError(f"Kafka ended:\n{(self.folder / 'kafka.log').read_text()[-3000:]}")
        with suppress(KafkaException):
            return bool(AdminClient({"bootstrap.servers": self.servers, "log_level": 0}).list_topics(timeout=1).brokers)
        return False


@contextmanager
def private_kafka() -> Iterator[Kafka]:
    """A broker that one test owns, and may kill and start again; removed at the end."""
    with tempfile.TemporaryDirectory(prefix=f"harbour-kafka-{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        broker = _made_in(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


def shared_kafka() -> str:
    """The bootstrap servers of the run's broker, or of the one that KAFKA_BOOTSTRAP_SERVERS names."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
    if given:
        return given
    folder = Path(os.environ[FOLDER])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = folder / "kafka.json"
        if not told.exists():
            broker = _made_in(folder)
            broker.start()
            told.write_text(json.dumps({"servers": broker.servers}))
        return str(json.loads(told.read_text())["servers"])


@contextmanager
def room_for_shared_kafka() -> Iterator[dict[str, str]]:
    """A folder in which `shared_kafka` may start one, and the environment that says so; both are gone at the end."""
    with tempfile.TemporaryDirectory(prefix=f"harbour-kafka-{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        try:
            yield {FOLDER: folder}
        finally:
            Kafka(Path(folder), 0).kill()


def _made_in(folder: Path) -> Kafka:
    """A formatted broker, not started."""
    port, controller = free_port(), free_port()
    properties = folder / "server.properties"
    properties.write_text(_PROPERTIES.format(port=port, controller=controller, folder=folder))
    # One in 64 begins with a hyphen.
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    subprocess.run(
        [*_java(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return Kafka(folder, port)


def _java() -> list[str]:
    java = command("java", "bash deploy/prepare-machine.sh, or apt-get install openjdk-17-jdk-headless")
    return [java, "-cp", f"{_jars()}/*"]


def _jars() -> Path:
    """The folder of the server's jars, fetched by Maven the first time."""
    if _JARS.is_dir():
        return _JARS
    maven = command("mvn", "bash deploy/prepare-machine.sh, or apt-get install maven")
    _JARS.parent.mkdir(parents=True, exist_ok=True)
    with (_JARS.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _JARS.is_dir():
            half = Path(tempfile.mkdtemp(dir=_JARS.parent))
            subprocess.run(
                [
                    maven,
                    "-q",
                    "-B",
                    "dependency:copy-dependencies",
                    f"-DoutputDirectory={half}",
                    "-DincludeScope=runtime",
                ],
                cwd=_HERE,
                check=True,
            )
            shutil.move(half, _JARS)
    return _JARS
