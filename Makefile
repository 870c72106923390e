# Each target makes its own virtual environment; nothing has to be prepared.
PYTHON ?= python3
BIN := .venv/bin
TESTS ?= tests
WORKERS ?= 4
export SECONDS SEED
# As root, PostgreSQL runs as another user, who has to be able to read it whatever root's umask is.
INSTALL := umask 022 && $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: serve test check bench faults format schema api-docs screenshots release clean

serve: .venv/.runtime
	$(BIN)/calloff serve

test: .venv/.dev
	scripts/install-test-tools
	$(BIN)/pytest -n $(WORKERS) $(TESTS)

check: .venv/.dev
	scripts/install-test-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(wildcard src tests bench)
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 tests/unit

bench: .venv/.dev
	$(BIN)/python -m bench

# SECONDS= says for how long, SEED= repeats a run.
faults: .venv/.dev
	$(BIN)/python -m tests.faults

format: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: .venv/.dev
	$(BIN)/python -m tests.support.schema

api-docs: .venv/.dev
	$(BIN)/python -m tests.support.api_reference
	$(BIN)/python -m tests.support.setting_tables

# Only the pictures that are in docs/images already; to add one, make an empty file of its name first.
screenshots: .venv/.dev
	scripts/install-test-tools
	pictures=$$(mktemp -d) && CALLOFF_SCREENSHOTS=$$pictures $(BIN)/pytest -n $(WORKERS) tests/browser \
		-k "every_page or everybody" && for image in docs/images/*.png; do cp $$pictures/$${image##*/} $$image; done

# Of a commit with a tag such as v0.2.0.
release:
	scripts/release

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist

.venv/.runtime: pyproject.toml constraints.txt
	umask 022 && test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) .
	touch $@

.venv/.dev: pyproject.toml constraints.txt
	umask 022 && test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) ".[dev,bench]"
	touch .venv/.runtime $@
