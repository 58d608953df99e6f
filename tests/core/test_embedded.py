import json
import multiprocessing
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from core import embedded
from core.embedded import ServerProblem, postgres, valkey
from tests.requirements import REPOSITORY, missing
from tests.servers.embedded import private_postgres, private_valkey

pytestmark = pytest.mark.servers
STRANGER = pwd.getpwnam("daemon").pw_uid  # some user who is neither root nor nobody


@pytest.fixture
def base() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="harbour-test-")).resolve()
    folder.chmod(0o711)
    yield folder
    embedded.remove(folder)


def test_a_second_start_finds_the_running_servers(base: Path) -> None:
    first = embedded.start(base, environ={})
    processes = _processes(base)

    second = embedded.start(base, environ={})

    assert second == first
    assert _processes(base) == processes
    assert embedded.running(base) == {"postgresql": True, "valkey": True}
    assert stat.S_IMODE((base / "run.json").stat().st_mode) == 0o600
    assert json.loads((base / "run.json").read_text()) == {
        "database_url": first.database_url,
        "valkey_url": first.valkey_url,
    }


def test_starts_at_one_moment_make_one_pair_of_servers(base: Path) -> None:
    code = "import sys; from pathlib import Path; from core import embedded; print(embedded.start(Path(sys.argv[1]), environ={}))"
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(base)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(3)
    ]

    answers = [starter.communicate(timeout=60)[0] for starter in starters]

    assert answers[0].startswith("Servers(")
    assert answers == [answers[0]] * 3


def test_running_servers_are_found_without_their_record(base: Path) -> None:
    servers = embedded.start(base, environ={})
    (base / "run.json").write_text('{"database_url": ')

    assert embedded.start(base, environ={}) == servers


def test_what_the_environment_names_is_not_started(base: Path) -> None:
    given = {"DATABASE_URL": "postgresql://shop@db.example/shop", "VALKEY_URL": "redis://cache.example/0"}

    servers = embedded.start(base, environ=given)

    assert servers == embedded.Servers(database_url=given["DATABASE_URL"], valkey_url=given["VALKEY_URL"])
    assert not (base / "postgresql").exists()
    assert not (base / "valkey").exists()


def test_postgresql_keeps_committed_rows_over_a_crash() -> None:
    with private_postgres() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

        server.kill()
        server.start()

        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchall() == [(7,)]
            assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_valkey_asks_for_its_password_and_comes_back_after_a_crash() -> None:
    with private_valkey() as server:
        without_password = "redis://" + server.url.rpartition("@")[2]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(without_password).ping()
        client = redis.Redis.from_url(server.url)
        client.set("kept", "7")
        client.execute_command("WAITAOF", 1, 0, 5000)

        server.kill()
        server.start()

        assert redis.Redis.from_url(server.url).get("kept") == b"7"


def test_a_taken_port_is_left_to_who_has_it(base: Path) -> None:
    first = embedded.start(base, environ={})
    embedded.stop(base)
    with private_postgres() as stranger:
        taken = stranger.url.rpartition(":")[2]
        embedded.write_record(base, database_url=f"postgresql://shop:secret@127.0.0.1:{taken}")

        second = embedded.start(base, environ={})

        assert not second.database_url.endswith(taken)
        assert second.valkey_url == first.valkey_url


def test_a_half_made_data_folder_is_made_anew(base: Path) -> None:
    draft = postgres.home_below(base) / "data.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")

    embedded.start(base, environ={})

    assert embedded.running(base)["postgresql"]


def test_a_damaged_data_folder_is_one_clear_problem(base: Path) -> None:
    embedded.start(base, environ={})
    embedded.stop(base)
    (postgres.home_below(base) / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(ServerProblem, match=r"^PostgreSQL did not start: .*FATAL: .*incompatible.*"):
        embedded.start(base, environ={})


def test_a_lost_password_is_one_clear_problem(base: Path) -> None:
    embedded.start(base, environ={})
    embedded.stop(base)
    (postgres.home_below(base) / "password").unlink()

    with pytest.raises(ServerProblem, match="password is gone"):
        embedded.start(base, environ={})


def test_a_stalled_valkey_is_not_started_twice_on_one_folder(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.start(base, environ={})
    process = valkey.process(base / "valkey")
    monkeypatch.setattr(valkey, "PATIENCE", 0)
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(ServerProblem, match=f"end its process {process}"):
            embedded.start(base, environ={})
    finally:
        os.kill(process, signal.SIGCONT)


def test_root_serves_a_checkout_below_a_private_home(base: Path) -> None:
    if os.geteuid() != 0:
        missing("root", "run the tests as root, too")
    base.chmod(0o700)

    servers = embedded.start(base, environ={})

    home = embedded.outside_home(base)
    assert home.parent == Path("/var/tmp")
    assert (home / "data").is_dir()
    assert not (base / "postgresql").exists()
    assert servers.database_url == embedded.start(base, environ={}).database_url
    embedded.remove(base)
    assert not home.exists()


def test_an_ordinary_user_runs_them_below_a_private_home(base: Path) -> None:
    if os.geteuid() != 0:
        missing("root", "run the tests as root, too: as somebody else every test here is this one")
    base.chmod(0o700)
    os.chown(base, STRANGER, STRANGER)
    # A fork: the Python that runs this may lie below root's home, where a new process of the stranger could not find it.
    fork = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[object] = fork.SimpleQueue()

    process = fork.Process(target=_start_and_stop_as_stranger, args=(base, answers))
    process.start()
    process.join(60)

    assert process.exitcode == 0
    assert answers.get() == (STRANGER, {"postgresql": True, "valkey": True})
    assert answers.get() == (STRANGER, {"postgresql": False, "valkey": False})


def _start_and_stop_as_stranger(base: Path, answers: "multiprocessing.SimpleQueue[object]") -> None:
    os.setgroups([])
    os.setgid(STRANGER)
    os.setuid(STRANGER)
    embedded.start(base, environ={})
    answers.put(((base / "postgresql" / "data").stat().st_uid, embedded.running(base)))
    embedded.stop(base)
    answers.put(((base / "postgresql" / "data").stat().st_uid, embedded.running(base)))


def _processes(base: Path) -> tuple[int, int]:
    return postgres.process(postgres.home_below(base)), valkey.process(base / "valkey")
