"""Secrets that a laptop makes for itself, in files that only its user reads."""

import os
import secrets
from pathlib import Path


def read_or_make(path: Path) -> str:
    """The secret in ``path``, made now if there is none; processes that start together agree on the one that came first."""
    try:
        return path.read_text().strip() or _make(path)
    except OSError:
        return _make(path)


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
