#!/bin/sh
# Stop what runs from this checkout, then remove its data and the virtual environment. Nothing outside is touched, but for the
# folder in /var/tmp that stands in for .local below a private home.
set -eu
cd "$(dirname "$0")/.."
if [ -x .venv/bin/python ] && [ -d .local ]; then
    .venv/bin/python -m ecommerce.laptop clean
fi
rm -rf .local .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
