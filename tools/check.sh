#!/bin/sh
# Everything that keeps the tree tidy. Each step prints its name; the first that fails ends it.
set -eu
bin=.venv/bin

step() {
    printf '== %s\n' "$1"
    shift
    "$@"
}

# Settings of a production shop, from the example that deployments start from.
example() {
    env -i PATH="$PATH" HOME="${HOME:-/}" $(grep -v '^#' deploy/production.env.example | xargs) "$@"
}

step "format" $bin/ruff format --check .
step "lint" $bin/ruff check .
step "types" $bin/mypy .
step "boundaries" $bin/lint-imports
step "templates" $bin/djlint --lint --quiet templates
step "missing migrations" $bin/python -W ignore manage.py makemigrations --check --dry-run
step "migrations safe on a live table" $bin/python -m tests.servers -- $bin/python tools/lint_migrations.py
step "deployment" example $bin/python manage.py check --deploy --fail-level WARNING
step "API schema" example $bin/python manage.py spectacular --fail-on-warn --validate --file /dev/null
