#!/bin/sh
# Stop the embedded servers of this checkout, then remove their data and the virtual environment.
set -eu
if [ -x .venv/bin/python ] && [ -d .local ]; then
    .venv/bin/python -m core.embedded remove
fi
rm -rf .local .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
