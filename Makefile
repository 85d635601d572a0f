# Two commands matter: `make run` trains, `make test` tests. Each sets up what it needs, once.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
BENCH ?= .venv-bench
LOWEST ?= .venv-lowest
DATA ?= auto
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: bench-photos help run test lint format clean bench bench-quick bench-estimator bench-conv-fast bench-playground playground-load accuracy docs notebooks pretrained test-lowest test-pythons

help:  ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# The first training is over before its code could be compiled, so that is done behind it, for the next one.
run: $(VENV)/.run  ## Train the default recipe on the best data there is
	@$(BIN)/inkling train --data $(DATA)
	@nohup nice $(BIN)/python -m inkling.engine.compiled >/dev/null 2>&1 &

# A process for each core, so one core for each process: more would only wait for one another.
test: $(VENV)/.test  ## Run all tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

test-pythons:  ## Run all tests with every other Python, 3.12 to 3.14, that this machine has
	@for version in 3.12 3.13 3.14; do \
	  if python$$version -c "" 2>/dev/null; then \
	    $(MAKE) --no-print-directory test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	  else echo "there is no python$$version on this machine"; fi; done

test-lowest:  ## Run all tests with the oldest versions of everything that Inkling says it works with
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/pip install --quiet uv
	@$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable ".[test]"
	@# What these lean on is newer than they are, and they do not know yet what it deprecates.
	@$(LOWEST)/bin/python -m pytest -n auto -W ignore::DeprecationWarning

lint: $(VENV)/.test  ## Check formatting, style, types and the direction of imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.test  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(BENCH)/.ready  ## Measure Inkling beside PyTorch, JAX and scikit-learn (half an hour)
	@$(BENCH)/bin/python benchmarks/bench.py

bench-quick: $(BENCH)/.ready  ## The same with fewer rounds and peers, for use while working
	@$(BENCH)/bin/python benchmarks/bench.py --quick --only ABCDEFIJ

bench-estimator: $(VENV)/.run  ## Measure the scikit-learn classifier beside MLPClassifier (about five minutes)
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python benchmarks/estimator.py

bench-conv-fast: $(BENCH)/.ready  ## 99 % in seconds: the recipe conv-fast here and in PyTorch
	@$(BENCH)/bin/python benchmarks/conv_fast.py

accuracy: $(VENV)/.run  ## Train the most accurate recipes on the real MNIST, several seeds each (hours)
	@$(BIN)/python benchmarks/accuracy.py

bench-photos: $(VENV)/.run  ## Count the digits that are lost on the way from a picture of paper
	@$(BIN)/python benchmarks/photos.py --data $(DATA)

bench-playground: $(VENV)/.test  ## Measure what a page costs the training that it watches
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $(BIN)/python benchmarks/playground_page.py --data $(DATA)

playground-load: $(VENV)/.test  ## Twenty pages that train at once in the playground, for a minute
	@$(BIN)/python benchmarks/playground_load.py --data $(DATA)

docs: $(VENV)/.test  ## Build the site into build/docs: the book, whose cells are run, and the reference
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -j auto -b html docs build/docs
	@echo "open build/docs/index.html"

# What the tests of the docs' JavaScript need; Node.js and npm must be there.
build/in_a_browser: docs/how_to/in_a_browser/package.json
	@rm -rf $@ && mkdir -p $@.part && cp $< $@.part/
	@npm install --silent --no-audit --no-fund --prefix $@.part >/dev/null && mv $@.part $@

notebooks: $(VENV)/.test  ## Run the notebooks and write them with outputs into docs/notebooks
	@$(BIN)/pip install --quiet "nbconvert>=7.16"
	@$(BIN)/python notebooks/render.py

pretrained: $(VENV)/.run  ## Train the network that comes along anew, from the real MNIST (minutes)
	@$(BIN)/python pretrained/make.py

clean:  ## Remove the environment and everything built (runs stay)
	rm -rf $(VENV) $(BENCH) $(LOWEST) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Inkling needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	@echo "installing Inkling …"
	@$(BIN)/pip install --quiet --editable ".[fast]"
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml
	@echo "installing Inkling and what its tests need …"
	@$(BIN)/pip install --quiet --editable ".[test,lint,docs]"
	@touch $@ $(VENV)/.run

# A peer that cannot be installed is named in the results as missing, so its failure is none of ours.
$(BENCH)/.ready: benchmarks/requirements.txt pyproject.toml
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/pip install --quiet --editable ".[fast]"
	@while read -r peer; do $(BENCH)/bin/pip install --quiet "$$peer" || echo "no $$peer: it will be missing"; done < $<
	@touch $@
