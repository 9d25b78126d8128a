# `make` prints the targets. Each one sets up what it needs by itself.
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
# What is installed: the program alone, or also the tools of its developers.
PROGRAM := $(VENV)/.program
TOOLS   := $(VENV)/.tools
LOCK    := .ci/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-deep check format docs bench bench-start bench-pickup bench-accept bench-outgoing bench-incoming bench-hardship bench-migrate bench-reports bench-sizes chaos fuzz fuzz-workers language lock clean

help:  ## Print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

$(PROGRAM): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "wa needs Python 3.11 or newer; try: make PYTHON=python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) (once)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,export]'
	@touch $@

# The developers' packages in the versions of the last `make lock`.
$(TOOLS): $(PROGRAM) $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e '.[dev]'
	@touch $@

demo: $(PROGRAM)  ## Show the main job in about a minute, on sample data
	@$(BIN)/wa demo

# Most of a test's time is waiting for processes: more workers than cores, a file to one of them.
test: $(TOOLS)  ## Run the tests
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-deep: $(TOOLS)  ## Ten times as many random histories of a message as `make test`
	@$(BIN)/python -m pytest --hypothesis-profile deep tests/integration/test_histories.py

check: $(TOOLS)  ## Format, lint, types, import directions, safe migrations, fresh docs, plain words
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/squawk --reporter gcc sql/migrations/*.sql
	@$(BIN)/python -m wa_cli.cli.reference --check docs/reference.md
	@$(BIN)/python -m tests.language

format: $(TOOLS)  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock:  ## Write the newest versions of the developers' packages into .ci/constraints.txt
	@$(PYTHON) -m venv $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(VENV)-lock/bin/python -m pip freeze --exclude-editable > $(LOCK)
	@rm -rf $(VENV)-lock

docs: $(TOOLS)  ## Write the generated tables into docs/reference.md
	@$(BIN)/python -m wa_cli.cli.reference docs/reference.md

bench: bench-start bench-pickup bench-outgoing bench-incoming bench-hardship bench-migrate bench-reports bench-sizes  ## Print every published figure, with what it does not prove

bench-start: $(TOOLS)  ## Start-up times of commands
	@$(BIN)/python -m tests.benchmarks.start

bench-pickup: $(TOOLS)  ## Time from queued to claimed by an idle worker
	@$(BIN)/python -m tests.benchmarks.pickup

bench-accept: $(TOOLS)  ## Requests to send that the HTTP API accepts a second
	@$(BIN)/python -m tests.benchmarks.accept
	@$(BIN)/python -m tests.benchmarks.accept --connections 64

bench-outgoing: $(TOOLS)  ## Messages per second through one outgoing worker
	@$(BIN)/python -m tests.benchmarks.outgoing --claims
	@$(BIN)/python -m tests.benchmarks.outgoing --queue sqs --messages 10000

bench-incoming: $(TOOLS)  ## Webhooks per second, calm, under kills, beside slow clients
	@$(BIN)/python -m tests.benchmarks.incoming

bench-hardship: $(TOOLS)  ## Cost of a stop, a freeze, an outage and a limit for an outgoing worker
	@$(BIN)/python -m tests.benchmarks.hardship

bench-migrate: $(TOOLS)  ## Cost of a migration for the users of the table, beside the textbook's script
	@$(BIN)/python -m tests.benchmarks.migrate

bench-sizes: $(TOOLS)  ## Lines of our files and functions
	@$(BIN)/python -m tests.benchmarks.sizes

bench-reports: $(TOOLS)  ## Every report on one and on ten million rows, beside textbook queries
	@$(BIN)/python -m tests.benchmarks.reports

chaos: $(TOOLS)  ## Kill workers, crash the database, and compare: lost 0, duplicated 0
	@$(BIN)/python -m tests.chaos.storm
	@$(BIN)/python -m tests.chaos.storm --alone --queue sqs

fuzz: $(TOOLS)  ## Schemathesis over the OpenAPI document of the messaging routes
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@$(BIN)/python -m tests.fuzz

language: $(TOOLS)  ## Check the words of the program against docs/glossary.md
	@$(BIN)/python -m tests.language

fuzz-workers: $(TOOLS)  ## 10,000 changed queue bodies, webhooks and answers into running workers
	@$(BIN)/python -m tests.chaos.mutations

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
