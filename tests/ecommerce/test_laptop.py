import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import pytest
from django.db import connection

from core import embedded
from tests.factories import make_product
from tests.requirements import REPOSITORY, missing
from tests.servers import elasticsearch_node
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]
OPEN = "The shop is open"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A copy of this checkout, with a `.local/` of its own."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, text=True)
    folder = tmp_path / "a shop"
    for name in listed.splitlines():
        if (REPOSITORY / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    yield folder
    for process in _of(folder):
        process.kill()
    embedded.remove(folder / ".local")


class Run:
    """`make run` in a checkout, on the database of this test, which has a product: no demo is loaded."""

    def __init__(self, checkout: Path, **environ: str) -> None:
        self.checkout = checkout
        self.port = int(environ.get("PORT", "") or embedded.free_port())
        self.log = checkout.parent / f"{self.port}.log"
        environment = _environment() | {"DATABASE_URL": _database_url(), "PORT": str(self.port), **environ}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ecommerce.laptop"],
                cwd=checkout,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> "Run":
        def said() -> bool:
            assert self.process.poll() is None, self.output[-3000:]
            return words in self.output

        wait_for(said, f"it did not say {words!r}", seconds=60)
        return self

    def press_ctrl_c(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def exit_code(self) -> int:
        return self.process.wait(30)


def test_ctrl_c_closes_everything_and_a_second_run_is_refused_meanwhile(checkout: Path) -> None:
    make_product()
    shop = Run(checkout).wait_for(OPEN)
    assert f"http://127.0.0.1:{shop.port}" in shop.output
    assert "shopper@example.com or staff@example.com, password demo-shop-2026" in shop.output
    assert embedded.running(checkout / ".local") == {"postgresql": False, "valkey": True}

    second = Run(checkout)

    assert second.exit_code() == 1
    assert second.output == "The shop is already running from this checkout: stop it with Ctrl-C there.\n"
    shop.press_ctrl_c()
    shop.press_ctrl_c()
    assert shop.exit_code() == 0
    assert shop.output.endswith("The shop is closed; its data is kept.\n")
    assert _of(checkout) == []
    assert embedded.running(checkout / ".local") == {"postgresql": False, "valkey": False}


def test_a_run_after_a_killed_one_clears_up_and_names_a_part_that_dies(checkout: Path) -> None:
    make_product()
    killed = Run(checkout).wait_for(OPEN)
    killed.process.kill()
    killed.process.wait()
    assert _of(checkout) != []

    again = Run(checkout, PORT=str(killed.port)).wait_for(OPEN)

    assert again.output.startswith("Ending what an earlier run left behind ...\n")
    (relay,) = [process for process in _of(checkout) if "relay_events" in process.cmdline()]
    relay.kill()
    assert again.exit_code() == 1
    assert again.output.endswith("relay stopped by itself, so everything was stopped; its last lines are above.\n")
    assert _of(checkout) == []


def test_sigterm_while_the_database_is_made_ready_stops_at_once(checkout: Path) -> None:
    shop = Run(checkout).wait_for("Bringing the database up to date")

    shop.process.terminate()

    assert shop.exit_code() == 0
    assert "Traceback" not in shop.output
    assert _of(checkout) == []


def test_a_taken_port_is_one_clear_line_before_anything_starts(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]

        shop = Run(checkout, PORT=str(port))

        assert shop.exit_code() == 1
    assert shop.output == f"Port {port} is taken by another program. Another one: make run PORT={port + 1}\n"
    assert not (checkout / ".local" / "valkey").exists()


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"PORT": "99999"}, "PORT is '99999': give a number from 1 to 65535."),
        ({"PORT": "http"}, "PORT is 'http': give a number from 1 to 65535."),
        ({"SEARCH": "google"}, "SEARCH is 'google': use 'postgres' or 'elasticsearch'."),
        (
            {"SHOP_ENV": "production"},
            "make run is for a laptop: unset SHOP_ENV, or see docs/operations.md for production.",
        ),
    ],
)
def test_a_wrong_variable_is_one_clear_line(checkout: Path, variables: dict[str, str], line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ecommerce.laptop"],
        cwd=checkout,
        env=_environment() | variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{line}\n")


def test_a_database_that_is_away_is_one_clear_line(checkout: Path) -> None:
    shop = Run(checkout, DATABASE_URL="postgresql://shop:secret@127.0.0.1:9/shop")

    assert shop.exit_code() == 1
    last = shop.output.splitlines()[-1]
    assert last.startswith("PostgreSQL does not serve at DATABASE_URL: ")
    assert last.endswith("Connection refused")
    assert "secret" not in shop.output


def test_with_elasticsearch_it_answers_searches_and_ends_with_the_shop(checkout: Path) -> None:
    make_product()
    _let_it_have_elasticsearch(checkout)

    shop = Run(checkout, SEARCH="elasticsearch").wait_for(OPEN)

    wait_for(lambda: _found(shop) == ("elasticsearch", 1), "Elasticsearch did not find the product")
    shop.press_ctrl_c()
    assert shop.exit_code() == 0
    assert _of(checkout) == []


def test_elasticsearch_without_what_it_needs_is_one_clear_line(checkout: Path) -> None:
    make_product()
    _let_it_have_elasticsearch(checkout)

    shop = Run(checkout, SEARCH="elasticsearch", PATH=str(Path(sys.executable).parent))

    assert shop.exit_code() == 1
    assert shop.output.splitlines()[-1].startswith("SEARCH=elasticsearch: Elasticsearch needs java: bash deploy/")


def test_clean_removes_data_and_servers(checkout: Path) -> None:
    local = checkout / ".local"
    embedded.start(local, environ={})

    subprocess.run([sys.executable, "-m", "ecommerce.laptop", "clean"], cwd=checkout, env=_environment(), check=True)

    assert not local.exists()
    assert not embedded.outside_home(local).exists()


def _let_it_have_elasticsearch(checkout: Path) -> None:
    """The part of the tests' servers that `make run` uses, and what it was made of before."""
    if lacking := elasticsearch_node.missing_programs():
        missing(", ".join(lacking), elasticsearch_node.REMEDY)
    elasticsearch_node.parts()
    shutil.copytree(REPOSITORY / "tests" / "servers", checkout / "tests" / "servers")
    (checkout / "tests" / "__init__.py").touch()
    (checkout / ".local").mkdir()
    (checkout / ".local" / "test-servers").symlink_to(elasticsearch_node.KEPT)


def _found(shop: Run) -> tuple[str, int]:
    """Who answered a search for everything, and how much there is."""
    answer = httpx.get(f"http://127.0.0.1:{shop.port}/api/v1/search", trust_env=False)
    return answer.headers["X-Search-Engine"], answer.json()["total"]


def _environment() -> dict[str, str]:
    """Of a person at a terminal: without what points at the tests' own servers and folders."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("VALKEY_", "DATABASE_", "SHOP_"))}


def _database_url() -> str:
    told = connection.settings_dict
    return f"postgresql://{quote(told['USER'])}:{quote(told['PASSWORD'])}@{told['HOST']}:{told['PORT']}/{quote(told['NAME'])}"


def _of(checkout: Path) -> list[psutil.Process]:
    """The living processes of the checkout's run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SHOP_RUN") == str(checkout / ".local"):
                found.append(process)
        except psutil.Error:
            continue
    return found
