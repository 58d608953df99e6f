#!/bin/sh
# Everything that keeps the tree tidy; the migrations alone need a server, and get one of their own. Every step runs, whatever the ones before it found; the end tells.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=.venv/bin
failed=

step() {
    name=$1
    shift
    printf '== %s\n' "$name"
    "$@" || failed="$failed, $name"
}

step "format" $bin/ruff format --check .
step "lint" $bin/ruff check .
step "types" $bin/mypy .
step "boundaries" $bin/lint-imports
step "templates" $bin/djlint --lint --quiet templates
step "missing migrations" env DATABASE_POOL=0 $bin/python -W ignore manage.py makemigrations --check --dry-run
# The linter reads the SQL of each migration, which Django tells only to a live database.
step "migrations safe on a live table" env DATABASE_POOL=0 $bin/python -m tests.servers -- $bin/python tools/lint_migrations.py
step "deployment" sh tools/in-production.sh $bin/python manage.py check --deploy --fail-level WARNING
if command -v promtool >/dev/null 2>&1 || [ "${CI:-}" = true ]; then
    step "alert rules" promtool test rules deploy/prometheus/tests.yml
else
    echo "== alert rules: skipped, promtool is missing (bash deploy/prepare-machine.sh)"
fi
step "event schemas" sh tools/in-production.sh $bin/python manage.py write_event_schemas --check
step "API schema" sh tools/in-production.sh $bin/python manage.py spectacular --fail-on-warn --validate --file /dev/null

if [ -n "$failed" ]; then
    printf 'Failed: %s\n' "${failed#, }" >&2
    exit 1
fi
echo "All in order."
