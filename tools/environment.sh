#!/bin/sh
# Make the virtual environment and put the packages of a lock file into it, each checked by its hash; quick when all is there.
# Usage: [PYTHON=python3.12] sh tools/environment.sh requirements.txt
set -eu
cd "$(dirname "$0")/.."
lock=$1
python=${PYTHON:-python3}
installed=.venv/installed-$lock
made_at=.venv/made-at

say() { printf '%s\n' "$*" >&2; }

# A virtual environment remembers where it was made and for which Python: moved, copied, half-made or outlived, it is made anew.
usable() {
    .venv/bin/python -c 'import pip' 2>/dev/null && { [ ! -e $made_at ] || [ "$(cat $made_at)" = "$PWD" ]; }
}

if usable && cmp -s "$lock" "$installed"; then
    exit 0
fi
if ! usable; then
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
    say "Making a virtual environment in .venv ..."
    rm -rf .venv
    "$python" -m venv .venv
    pwd >$made_at
fi
say "Installing the packages of $lock (a minute or two the first time) ..."
quiet=--quiet
[ -t 2 ] && quiet=--progress-bar=on
.venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes $quiet -r "$lock" || {
    say "The packages could not be installed: see the lines above; most often the network is away. Then type the same command again."
    exit 1
}
cp "$lock" "$installed"
if [ "$lock" = requirements-dev.txt ]; then # which holds the other one whole
    cp requirements.txt .venv/installed-requirements.txt
fi
