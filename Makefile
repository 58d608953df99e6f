# Two commands matter: `make run` gives you the shop, `make test` proves it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
WORKERS ?= 2

.PHONY: help run test check format soak bench bench-checkout bench-inventory bench-events bench-outage bench-relevance bench-search vendor lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: packages ## start the whole shop on http://127.0.0.1:8000 (PORT=8001 changes it; SEARCH=elasticsearch adds that)
	@exec $(BIN)/python -m ecommerce.laptop

test: dev-packages ## run every test on servers of its own (ARGS="tests/cart -k merge" narrows it)
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: dev-packages ## format, lint, types, boundaries, migrations, deployment settings
	@sh tools/check.sh

format: dev-packages ## bring the code into its form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

soak: dev-packages ## the long forms of the tests
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m pytest -n $(WORKERS) -m soak $(ARGS)

bench: dev-packages ## measure; prints tables, asserts nothing
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m bench $(ARGS)

bench-checkout: dev-packages ## measure checkouts over HTTP beside pgbench, and how many can wait at once
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m bench checkout

bench-inventory: dev-packages ## measure holds, availability and expiry beside pgbench
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m bench inventory

bench-events: dev-packages ## measure events: relayed, handled, delays
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m bench events

bench-outage: dev-packages ## measure checkouts while searches are answered, and while Elasticsearch is away; and how fresh it is
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m bench outage

bench-relevance: dev-packages ## measure how well search results fit, by human ratings (needs ../shared/data)
	@$(BIN)/python -m tests.servers -- $(BIN)/python -m bench relevance

bench-search: dev-packages ## measure searches, suggestions and category pages as the catalogue grows to a million, on both engines
	@EMBEDDED_SHARED_BUFFERS=1GB $(BIN)/python -m tests.servers -- $(BIN)/python -m bench search

vendor: packages ## fetch the vendored front-end files anew (needs npm)
	@$(BIN)/python tools/vendor.py

lock: ## write the requirements' lock files anew (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements.in -o requirements.txt
	@uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean: ## stop the embedded servers; remove their data and the virtual environment
	@sh tools/clean.sh

.PHONY: packages dev-packages
packages:
	@PYTHON="$(PYTHON)" sh tools/environment.sh requirements.txt

dev-packages:
	@PYTHON="$(PYTHON)" sh tools/environment.sh requirements-dev.txt
