#!/bin/sh
# Make the virtual environment and put the packages of a lock file into it, each checked by its hash.
# Usage: [PYTHON=python3.12] sh tools/environment.sh requirements.txt
set -eu
lock=$1
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

if ! command -v "$python" >/dev/null 2>&1; then
    say "Python is missing: install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv)."
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$python is $("$python" -V 2>&1), the shop needs 3.11 or newer: make run PYTHON=python3.12 chooses another."
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say "Python's venv module is missing: apt-get install python3-venv, then try again."
    exit 1
fi
# A virtual environment remembers where it was made: one that was moved, copied or half-made is made anew.
if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    say "Making a virtual environment in .venv ..."
    rm -rf .venv
    "$python" -m venv .venv
fi
say "Installing the packages of $lock (a minute or two the first time) ..."
quiet=--quiet
[ -t 2 ] && quiet=--progress-bar=on
.venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes $quiet -r "$lock" || {
    say "The packages could not be installed: see the lines above; most often the network is away. Then type the same command again."
    exit 1
}
