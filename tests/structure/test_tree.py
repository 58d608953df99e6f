"""What must hold of the tree itself: vendored files are what they claim, nothing reaches out, nobody's registry is named."""

import hashlib
import json
import re
import socket
import subprocess

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.requirements import REPOSITORY

REGISTRY = re.compile(r"(files\.pythonhosted|registry\.npmjs|repo1?\.maven|deb\.debian|proxy\.golang)\.", re.IGNORECASE)


def test_vendored_files_are_those_of_the_manifest() -> None:
    vendor = REPOSITORY / "static" / "vendor"
    manifest = json.loads((vendor / "manifest.json").read_text())

    claimed = {path: digest for package in manifest for path, digest in package["files"].items()}
    found = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }

    assert found == claimed
    assert all(package["licence"] and package["version"] for package in manifest)


def test_tests_reach_this_machine_only() -> None:
    # 192.0.2.0/24 is set aside for examples: nothing is there, and nothing must be asked.
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_no_registry_is_named() -> None:
    files = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    texts = [name for name in files if name and not name.startswith("static/vendor/")]

    named = [name for name in texts if REGISTRY.search((REPOSITORY / name).read_text(errors="ignore"))]

    assert named == []
