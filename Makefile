# Every target does its own set-up: a virtual environment in .venv and the pinned packages in it. The name of a stamp
# file carries the checksum of the requirements, so nothing is installed twice, and a changed pin is.

PYTHON ?= python3
PORT_NOTE := http://127.0.0.1:7860, or as GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say

INSTALLED := .venv/.installed-$(shell cat requirements.txt requirements-base.txt | cksum | cut -d ' ' -f 1)
INSTALLED_DEV := .venv/.installed-dev-$(shell cat requirements.txt requirements-base.txt requirements-dev.txt | cksum | cut -d ' ' -f 1)
PIP_INSTALL := .venv/bin/python -m pip install --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test lint results cases bench load screenshots

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/make \1	\2/'

run: $(INSTALLED) ## Serve the page on 127.0.0.1:7860
	@echo "Starting the page on $(PORT_NOTE)"
	@.venv/bin/python app.py

test: $(INSTALLED_DEV) ## Run the tests; ARGS="-k merge" chooses some
	@echo "Running the tests"
	@.venv/bin/python -m pytest $(ARGS)

lint: $(INSTALLED_DEV) ## Check style, types and the Spacefile
	@echo "Checking style (ruff) and types (mypy)"
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@echo "Checking the Spacefile, and that the app imports as a Space would get it"
	@.venv/bin/python -m composer space check

results: $(INSTALLED) ## Write the README's table and docs/evaluation.md from assets/results
	@.venv/bin/python -m composer results

cases: $(INSTALLED) ## Ask the case studies anew
	@.venv/bin/python -m composer cases

bench: $(INSTALLED) ## Measure merging and answering beside PEFT and write docs/benchmarks.md; ARGS="--only compare" chooses
	@.venv/bin/python -m composer bench $(ARGS)

screenshots: $(INSTALLED_DEV) ## Take the pictures of the page in docs/images anew (needs Chromium)
	@.venv/bin/python docs/screenshots.py

load: $(INSTALLED) ## Let 32 visitors ask for 3 minutes, on loopback; the result goes into docs/benchmarks.md
	@.venv/bin/python -m benchmarks.load --docs

# pip comes last into a new environment: where it is, the environment is whole.
.venv/bin/pip:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; \
		exit 1; }
	@echo "Making a virtual environment in .venv with $$($(PYTHON) -V 2>&1)"
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) cannot make virtual environments. Install its venv module (on Debian: apt install python3-venv)."; \
		exit 1; }

$(INSTALLED): .venv/bin/pip
	@echo "Installing the packages of requirements.txt into .venv (once; some minutes, torch is large)"
	@$(PIP_INSTALL) -r requirements.txt
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements-base.txt
	@rm -f .venv/.installed-[0-9]* && touch $@

$(INSTALLED_DEV): $(INSTALLED)
	@echo "Installing the packages of requirements-dev.txt into .venv (once)"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@rm -f .venv/.installed-dev-* && touch $@
