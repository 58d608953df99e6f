"""A fresh Debian to try the README in: a root folder made by debootstrap, entered with mounts and process numbers of its own.

The network is this machine's, and so are the Debian mirror, the certificates and pip's settings, all read when the test runs.
"""

import fcntl
import os
import pty
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

from tests.requirements import REPOSITORY, command, missing

PACKAGES = ("ca-certificates", "git", "make", "python3", "python3-venv")
CACHE = Path("/var/tmp/harbour-debian")
PASSED_ON = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
PASSED_ON_VARIABLES = ("PIP_", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
INSIDE = """
set -eu
for folder in dev dev/pts dev/shm sys; do
    if [ -d /$folder ]; then mount --rbind /$folder "$1/$folder"; fi
done
mount -t proc proc "$1/proc"
shift
exec "$@"
"""


@dataclass(slots=True)
class Terminal:
    """A command on a terminal inside the machine, whose Ctrl-C is a real one."""

    process: subprocess.Popen[bytes]
    master: int
    output: str = ""
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(self.output[-4000:])
        self.process.kill()  # its process numbers are its own: everything inside goes with it
        self.process.wait()
        self.reader.join(10)
        os.close(self.master)

    def wait_for(self, words: str, *, seconds: float) -> float:
        """Wait until ``words`` were printed; how long that took, in seconds."""
        begin = time.monotonic()
        while words not in self.output:
            waited = time.monotonic() - begin
            assert self.process.poll() is None, f"ended before it said {words!r}"
            assert waited < seconds, f"did not say {words!r} within {seconds} s"
            self.reader.join(0.1)
        return time.monotonic() - begin

    def press_ctrl_c(self) -> None:
        """What the key does: the terminal signals its foreground process group."""
        os.write(self.master, b"\x03")

    def exit_code(self, *, seconds: float) -> int:
        """Wait for the command's end; its exit code."""
        code = self.process.wait(seconds)
        self.reader.join(10)
        return code

    def _read(self) -> None:
        with suppress(OSError):  # that is how a terminal ends
            while chunk := os.read(self.master, 65536):
                self.output += chunk.decode(errors="replace").replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Machine:
    """A fresh Debian below ``root``."""

    root: Path

    def run(self, line: str, *, user: str = "root", home: str = "/root") -> str:
        """Run a shell line to its end; what it printed. Fails the test when it fails."""
        done = subprocess.run(
            self._command(line, user, home), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def terminal(self, line: str, *, user: str = "root", home: str = "/root") -> Terminal:
        """Start a shell line on a terminal."""
        master, slave = pty.openpty()
        command = ["setsid", "--ctty", *self._command(line, user, home)]
        process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        return Terminal(process, master)

    def _command(self, line: str, user: str, home: str) -> list[str]:
        variables = {name: value for name, value in os.environ.items() if name.upper().startswith(PASSED_ON_VARIABLES)}
        variables |= {
            "HOME": home,
            "USER": user,
            "TERM": "xterm",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
        }
        assignments = [f"{name}={value}" for name, value in variables.items() if name != "PIP_FIND_LINKS"]
        become = f"exec setpriv --reuid {user} --regid {user} --init-groups sh -c {shlex.quote(f'cd; {line}')}"
        enter = ["chroot", str(self.root), "env", "-i", *assignments, "sh", "-c", become]
        unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]
        return [*unshare, "sh", "-c", INSIDE, "sh", str(self.root), *enter]


@contextmanager
def fresh_debian() -> Iterator[Machine]:
    """A Debian with PACKAGES and `/shop.bundle`, this repository's HEAD; gone at the end."""
    archive = _archive()
    root = Path(tempfile.mkdtemp(prefix=f"machine-{os.getpid()}-", dir=CACHE))
    try:
        subprocess.run(["tar", "-C", root, "-xf", archive], check=True)
        root.chmod(0o755)
        for path in filter(os.path.exists, PASSED_ON):
            shutil.copyfile(path, f"{root}{path}")
        # A bundle, not a folder: git refuses to clone a repository that belongs to another user.
        subprocess.run(
            ["git", "-C", REPOSITORY, "bundle", "create", "--quiet", root / "shop.bundle", "HEAD"], check=True
        )
        yield Machine(root)
    finally:
        _remove(root)


def _remove(root: Path) -> None:
    """Its mounts were private to processes that are gone; a mount left all the same must not be emptied."""
    subprocess.run(["rm", "-rf", "--one-file-system", root], check=True)


def _archive() -> Path:
    """The machine's packed root folder, made once and kept."""
    if os.geteuid() != 0:
        missing("root", "run the tests as root, too: making a machine needs it")
    debootstrap = command("debootstrap", "bash deploy/prepare-machine.sh, or apt-get install debootstrap")
    suite, mirror = _debian()
    CACHE.mkdir(mode=0o755, exist_ok=True)
    packed = CACHE / f"{suite}-{'-'.join(PACKAGES)}.tar"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in CACHE.glob("machine-*-*"):  # by a test run that was killed
            if not psutil.pid_exists(int(left.name.split("-")[1])):
                _remove(left)
        if not packed.exists():
            root = Path(tempfile.mkdtemp(prefix="debootstrap-", dir=CACHE))
            subprocess.run(
                [debootstrap, "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, root, mirror],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            subprocess.run(["tar", "-C", root, "-cf", f"{packed}.new", "."], check=True)
            Path(f"{packed}.new").rename(packed)
            shutil.rmtree(root)
    return packed


def _debian() -> tuple[str, str]:
    """This machine's Debian release, and where apt gets it from."""
    apt = command("apt-get", "this test runs on Debian")
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    listing = subprocess.check_output([apt, "indextargets", "--format", form, "Created-By: Packages"], text=True)
    release = dict(line.partition("=")[::2] for line in Path("/etc/os-release").read_text().splitlines())
    suite = release.get("VERSION_CODENAME", "").strip('"')
    mirrors = [line.split(" ")[0] for line in listing.splitlines() if line.split(" ")[1:] == [suite, "main", "Debian"]]
    if not mirrors:
        missing("A Debian mirror", "run the tests on Debian, after apt-get update")
    return suite, mirrors[0]
