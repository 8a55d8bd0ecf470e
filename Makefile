# Needs Python 3.11 or newer, make and git. uv is used where it is installed; nothing is installed outside .venv but
# Debian's Chromium, which the browser tests drive.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv)
ifeq ($(UV),)
MAKE_VENV = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
else
MAKE_VENV = $(UV) venv --quiet --seed --python $(PYTHON) $(VENV)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
endif
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help setup run ui test check bench simulate lock clean chromium oracles
.DELETE_ON_ERROR:

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@rm -rf $(VENV)
	@echo "Making $(VENV) with $(PYTHON)"
	@$(MAKE_VENV) || { echo "No virtual environment could be made (Debian: apt-get install python3-venv)" >&2; exit 1; }

# What `phantom run` needs, and the page.
$(VENV)/.run: requirements/run.txt requirements/node.txt pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing what running needs"
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@if $(BIN)/python hatch_build.py needs-node; then $(INSTALL) --require-hashes -r requirements/node.txt; fi
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

# The compiled search: else the first start compiles it, while someone waits.
$(VENV)/.kernels: $(wildcard src/phantom_arbiter/dex/*_kernel.py) src/phantom_arbiter/dex/route_graph.py $(VENV)/.run
	@$(BIN)/python -m phantom_arbiter.app.kernels
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what tests and benchmarks need"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.dev $(VENV)/.kernels ui chromium oracles  ## .venv with everything that tests and benchmarks need

ui: $(VENV)/.run
	@$(BIN)/python hatch_build.py build

chromium:
	@sh tools/install_chromium.sh

oracles: | $(BIN)/python
	@sh tools/fetch_oracle.sh $(BIN)/python
	@sh tools/fetch_sdks.sh

run: $(VENV)/.kernels ui  ## the dashboard on this machine, paper trading (ARGS="--help" for more)
	@$(BIN)/phantom run $(ARGS)

test: setup  ## every test (ARGS="-k name" for some)
	@$(BIN)/python -m pytest $(ARGS)

check: setup  ## style, types, layers, the page, then every test: what CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports
	$(BIN)/python hatch_build.py check
	$(BIN)/python -m pytest $(ARGS)

bench: setup  ## each benchmark beside its peer (ARGS="--only NAME --json FILE")
	@$(BIN)/python -m benchmarks $(ARGS)

simulate: setup  ## the simulation tests over 200 seeds (SIMULATION_SEEDS=n for another number)
	@SIMULATION_SEEDS=$${SIMULATION_SEEDS:-200} $(BIN)/python -m pytest tests/simulation $(ARGS)

lock:  ## requirements/*.txt from pyproject.toml, with hashes; needs uv (UPGRADE=--upgrade for the newest)
	$(COMPILE) pyproject.toml --group build --group dev --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --group build --constraint requirements/dev.txt --output-file requirements/run.txt
	$(COMPILE) --group node --output-file requirements/node.txt

clean:  ## everything that was built or installed here
	rm -rf $(VENV) .oracles ui/node_modules src/phantom_arbiter/dashboard/web dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
