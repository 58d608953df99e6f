"""`python -m core.embedded start | stop | status | remove`; exit code 1 and one line when something is wrong."""

import sys

from core import embedded


def main(arguments: list[str]) -> int:
    """Do what the first argument says, with the servers below `.local/`."""
    try:
        match arguments:
            case ["start"]:
                servers = embedded.start()
                sys.stdout.write(f"DATABASE_URL={servers.database_url}\nVALKEY_URL={servers.valkey_url}\n")
            case ["stop"]:
                embedded.stop()
            case ["remove"]:
                embedded.remove()
            case ["status"]:
                sys.stdout.writelines(
                    f"{name}: {'runs' if up else 'stopped'}\n" for name, up in embedded.running().items()
                )
            case _:
                sys.stderr.write("usage: python -m core.embedded start | stop | status | remove\n")
                return 2
    except embedded.ServerProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
