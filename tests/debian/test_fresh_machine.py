import pytest

from core import embedded
from tests.debian.machine import Machine, Terminal, fresh_debian
from tests.servers.purchase import buy, read_order

pytestmark = pytest.mark.servers
MINUTES_5 = 300
CLONE = "git clone --quiet /shop.bundle shop"
# What outlives `make run` is listed by the shell that ran it, which therefore must outlive Ctrl-C.
RUN = (
    'trap : INT; cd shop; make run PORT={port}; echo "make ended with $?"; '
    "cat /proc/[0-9]*/comm 2>/dev/null | grep -E '^(python|gunicorn|celery|postgres|valkey)' | sed 's/^/left running: /'; "
    "echo end"
)


def test_root_gets_a_shop_and_buys_something(capsys: pytest.CaptureFixture[str]) -> None:
    with fresh_debian() as machine:
        machine.run(CLONE)

        seconds = _shop_twice(machine, user="root", home="/root")

    _report(capsys, "root", seconds)


def test_an_ordinary_user_below_a_private_home_gets_a_shop_and_buys_something(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fresh_debian() as machine:
        machine.run("useradd --create-home ada; chmod 700 /home/ada")
        machine.run(CLONE, user="ada", home="/home/ada")

        seconds = _shop_twice(machine, user="ada", home="/home/ada")

    _report(capsys, "an ordinary user", seconds)


def test_a_machine_without_venv_is_told_what_to_install() -> None:
    with fresh_debian() as machine:
        machine.run("dpkg --purge --force-depends python3-venv python3.11-venv 2>/dev/null")
        machine.run(CLONE)

        with machine.terminal("cd shop; make run") as terminal:
            code = terminal.exit_code(seconds=60)

    assert code == 2
    first, *rest = terminal.output.strip().split("\n")
    assert first == "Python's venv module is missing: apt-get install python3-venv, then try again."
    assert [line for line in rest if not line.startswith("make: ***")] == []


def _shop_twice(machine: Machine, *, user: str, home: str) -> tuple[float, float]:
    """Open the shop, buy, close it, open it again and find the order; how long each opening took, in seconds."""
    port = embedded.free_port()
    address = f"http://127.0.0.1:{port}"
    with machine.terminal(RUN.format(port=port), user=user, home=home) as terminal:
        first = terminal.wait_for("The shop is open", seconds=MINUTES_5)
        assert "shopper@example.com or staff@example.com, password" in terminal.output
        bought = buy(address)
        guest = buy(address, as_guest=True)
        _close(terminal)
    with machine.terminal(RUN.format(port=port), user=user, home=home) as terminal:
        second = terminal.wait_for("The shop is open", seconds=30)
        for purchase in (bought, guest):
            assert read_order(address, purchase.number, purchase.headers)["total"] == purchase.order["total"]
        _close(terminal)
    return first, second


def _close(terminal: Terminal) -> None:
    terminal.press_ctrl_c()
    terminal.exit_code(seconds=30)
    assert "The shop is closed; its data is kept." in terminal.output
    assert "left running" not in terminal.output
    assert terminal.output.endswith("end\n")


def _report(capsys: pytest.CaptureFixture[str], who: str, seconds: tuple[float, float]) -> None:
    with capsys.disabled():
        print(f"\nFresh Debian, {who}: a shop after {seconds[0]:.0f} s, the second time after {seconds[1]:.0f} s")  # noqa: T201
