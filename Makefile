# Needs Python 3.11, 3.12 or 3.13 and nothing else. uv is used where it is on PATH, venv and pip where it is not.
# Plain recipes for any make from 3.81 on (what macOS has) and any POSIX shell.

VENV := .venv
BIN := $(VENV)/bin
# Written when .venv holds what the lock file says.
READY := $(VENV)/.ready
PYTHONS ?= python3.13 python3.12 python3.11 python3 python
UV := $(shell command -v uv 2>/dev/null)
# More arguments for pytest, marts demo, marts dev or the benchmarks: make test ARGS="-k window -x"
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup spark demo dev test lint format bench soak lock clean

help:  ## Show this list
	@echo "make TARGET [ARGS=...]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1:\2/p' $(MAKEFILE_LIST) | while IFS=: read -r target text; do \
		printf '  %-8s %s\n' "$$target" "$$text"; done

setup: $(READY)  ## Make .venv with everything but the benchmarks' peers; again only when pyproject.toml or the lock changed

spark: $(VENV)/.ready-spark  ## Add Spark to .venv (480 MB): the extra that moves the shop's tables on a cluster

demo: $(READY)  ## Start the embedded stack, fill the sources, build every mart and show them
	$(BIN)/marts demo $(ARGS)

dev: $(READY)  ## Start the embedded stack, then Dagster's UI and daemon
	$(BIN)/marts dev $(ARGS)

# Two at a time, each with a stack of its own; a file stays with one of them, since its fixtures are its own.
# In the order in which they are collected: xdist would begin with the files of most tests, and end with the longest.
test: $(READY)  ## Run the tests, all but those that soak
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

soak: $(READY)  ## Run the tests that take minutes to hours
	$(BIN)/pytest -m soak --timeout 14400 $(ARGS)

# All of it, whatever the first of them finds.
lint: $(READY)  ## Check the code and the SQL: ruff, basedpyright, sqlfluff
	@failed=; for check in "ruff check --output-format concise" "ruff format --check --output-format concise" basedpyright "sqlfluff lint --processes 0 sql"; do \
		echo "$$check"; $(BIN)/$$check || failed="$$failed, $$check"; done; \
	[ -z "$$failed" ] || { echo "lint: failed$$failed" >&2; exit 1; }

format: $(READY)  ## Put the code and the SQL into the house's form
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(BIN)/sqlfluff fix --processes 0 sql

bench: $(READY) $(VENV)/.ready-bench  ## Measure the platform beside its peers (installs them); writes benchmarks/results.md and .json
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(BIN)/uv  ## Write the lock files anew, every package at its newest allowed version
	$(BIN)/uv pip compile $(LOCK_OPTIONS) pyproject.toml --group dev -o requirements.lock
	$(BIN)/uv pip compile $(LOCK_OPTIONS) --group pyproject.toml:bench -c requirements.lock -o requirements-bench.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"])' | \
		$(BIN)/uv pip compile $(LOCK_OPTIONS) - -c requirements.lock -o requirements-spark.lock

clean:  ## Remove .venv and what tools leave behind; the embedded stack's data in .marts stays
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One file for Python 3.11 to 3.13 on Linux and macOS, with hashes and without the address of any package index.
LOCK_OPTIONS := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--no-annotate

$(BIN)/python:
ifneq ($(UV),)
	@$(UV) venv --quiet --python '>=3.11,<3.14' $(VENV)
else
	@# Each candidate is run: a pyenv shim exists for versions that are not selected, and Debian's python3 lacks
	@# ensurepip until python3-venv is installed.
	@for python in $(PYTHONS); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
			2>/dev/null; then exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "make: no Python 3.11, 3.12 or 3.13 with venv among: $(PYTHONS)" >&2; \
	echo "make: found $$(python3 --version 2>&1 || echo no python3)" >&2; \
	echo "make: install one (Debian and Ubuntu: apt-get install python3-venv), or name it:" >&2; \
	echo "make: make setup PYTHONS=/path/to/python3.12" >&2; \
	exit 1
endif

# --no-deps: the lock file is complete, so there is nothing to resolve. --no-compile: Python compiles what is imported
# as it is imported, a fraction of what lies there; 74 instead of 101 seconds. So it has to keep what it compiles, or
# every process, each run of Dagster's among them, compiles a thousand modules anew (3 s instead of 1.4).
unexport PYTHONDONTWRITEBYTECODE
ifneq ($(UV),)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --no-deps
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps
endif

# For a lock file that is missing or no longer fits: make setup installs the one that it names.
$(BIN)/uv: | $(BIN)/python
	$(INSTALL) uv

$(READY): pyproject.toml requirements.lock | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-bench: requirements-bench.lock $(READY)
	$(INSTALL) --require-hashes -r requirements-bench.lock
	@touch $@

$(VENV)/.ready-spark: requirements-spark.lock $(READY)
	$(INSTALL) --require-hashes -r requirements-spark.lock
	@touch $@
