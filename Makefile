# Two commands on a fresh machine: `make run` and `make test`. Each sets up what it needs; nothing but
# Python ≥ 3.11, git and make is assumed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
FRONT := app/web/frontend
STAMPS := .venv/stamps
KOREAN := app/web/translations/ko/LC_MESSAGES/messages.po
# Debian packs the venv module apart from Python.
VENV_FROM_DEBIAN = { test $$(id -u) = 0 && apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv --clear .venv; }
export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup run test test-fast check fmt bench messages

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMPS)/python $(STAMPS)/front $(STAMPS)/texts ## everything that run and test need; a second call does nothing

run: setup ## Dure with a lively demonstration on http://127.0.0.1:8000
	@exec $(BIN)/dure demo

$(STAMPS)/python: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Dure needs Python 3.11 or newer; $(PYTHON) is older. Set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || $(VENV_FROM_DEBIAN) || { rm -rf .venv; echo "The venv module is missing (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
	@$(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode
	@mkdir -p $(STAMPS) && touch $@

# Node from PATH if it is new enough, else the one that PyPI packs as a wheel.
$(STAMPS)/front: $(STAMPS)/python $(FRONT)/package-lock.json $(shell find $(FRONT) app/*/templates -type f -not -path '*/node_modules/*' 2>/dev/null)
	@$(BIN)/python $(FRONT)/build.py
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/texts: $(STAMPS)/python $(wildcard app/web/translations/*/LC_MESSAGES/*.po)
	@$(BIN)/pybabel -q compile -d app/web/translations
	@touch $@

messages: $(STAMPS)/python ## collect the texts of pages and code into the Korean catalogue
	@$(BIN)/pybabel -q extract -F app/web/babel.cfg --no-location --sort-output --omit-header -k _l -k lazy_gettext -o .venv/messages.pot app
	@# Babel would fill the head with dates and its own version: ours is kept as it is.
	@sed '/^$$/q' $(KOREAN) > .venv/messages.head
	@$(BIN)/pybabel -q update --no-wrap --no-fuzzy-matching --ignore-obsolete --omit-header -i .venv/messages.pot -d app/web/translations -l ko
	@cat .venv/messages.head $(KOREAN) > .venv/messages.po && cp .venv/messages.po $(KOREAN)

check: $(STAMPS)/python ## format, lint, types, import contracts, catalogue
	@$(BIN)/ruff format --check --quiet . || { echo 'Not formatted: make fmt'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo > .venv/imports.txt || { cat .venv/imports.txt; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/djlint --quiet --lint app
	@$(BIN)/dure catalog check

fmt: $(STAMPS)/python ## put the code into its form
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

test: setup ## the whole suite, on SQLite and PostgreSQL, with browser and calendar clients
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/pytest -n 2 --dist loadgroup tests

test-fast: setup ## the inner loop, under a minute: all that needs no database
	@$(BIN)/pytest -n 2 -q -m "not data and not browser and not race and not interop and not slow" tests

bench: setup ## speed, as ratios within one run
	@$(BIN)/python -m tests.bench
