# Two commands on a fresh machine: make demo, make test. Both make .venv first; slurm and slurm-down need none.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
RESULTS ?= results

.DEFAULT_GOAL := help
.PHONY: help demo test check bench slurm slurm-down clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; install Python 3.11 or newer, or name it: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

demo: $(STAMP)  ## a real study in minutes: eight losses on Fashion-MNIST, ranked, with a report
	@study=demo; $(BIN)/gan-study prepare $$study || { \
		[ $$? -eq 3 ] || exit 1; \
		study=demo-triangles; \
		echo "Fashion-MNIST cannot be had here: the demo runs on generated triangles instead"; \
		$(BIN)/gan-study prepare $$study || exit 1; }; \
	$(BIN)/gan-study run $$study --results $(RESULTS) && \
	$(BIN)/gan-study best $$study --results $(RESULTS) && \
	$(BIN)/gan-study report $$study --results $(RESULTS)

test: $(STAMP)  ## everything that is checked: lint, types, arrows, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(STAMP)  ## the quick part of test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -m "not slow and not slurm"

bench: $(STAMP)  ## measured numbers, printed as tables
	$(BIN)/python -m benchmarks

slurm:  ## a real Slurm of three hosts on this machine, in network namespaces; needs root
	@$(PYTHON) -B -m cluster.development up

slurm-down:  ## removes every trace of it
	@$(PYTHON) -B -m cluster.development down

clean:  ## removes the venv and every cache; data and results stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
