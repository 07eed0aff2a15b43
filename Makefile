# README's two commands are `make serve` and `make test`; both do all the set-up they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test

.PHONY: serve test lint format bench fuzz sbom audit clean tools

serve: $(STAMP)
	$(BIN)/inbrief serve

# What only computes runs on two cores at once; what waits for real programs runs alone after it.
COMPUTING := tests/models tests/eval tests/project tests/adversarial
test: $(TEST_STAMP) tools
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(COMPUTING)
	$(BIN)/python -m pytest $(COMPUTING:%=--ignore=%)

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TEST_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(TEST_STAMP)
	$(BIN)/inbrief-eval speed

# 20,000 requests made from the interface's own description (CASES=… for another number),
# then 50,000 that are broken below it.
fuzz: $(TEST_STAMP)
	$(BIN)/python -m tests.fuzz $(or $(CASES),20000)
	$(BIN)/python -m tests.fuzz_bytes $(or $(BROKEN_CASES),50000)

# Chromium, Redis and the other real programs that tests start: installed where
# this may be done, otherwise the tests that need one say what is missing.
tools: $(TEST_STAMP)
	@.ci/tools

sbom: $(TEST_STAMP)
	$(BIN)/python .ci/sbom

# Every pinned package against a database of advisories, which must be reached; a package that
# it does not answer for is a failure. AUDIT="-s osv" or AUDIT="-s osv --osv-url URL": another one.
audit: $(TEST_STAMP)
	$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
		--requirement requirements.lock --requirement requirements-dev.lock $(AUDIT)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(STAMP): $(BIN)/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(TEST_STAMP): $(STAMP) requirements-dev.lock
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
