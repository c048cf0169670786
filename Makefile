# make run, make check, make test: everything from nothing.
PORT ?= 8000
AUTH ?= $(or $(TWOFOLD_AUTH),none)
PYTHON ?= python3
ENV ?= prod
DATA ?= tests/data/berka-sample.csv
ROUNDS ?= 3
SITE ?= $(HOME)/.cache/twofold/site
BIN := .venv/bin
TWOFOLD := $(BIN)/twofold
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
# For every Python from 3.11, on every system; the same file wherever it is made.
PIN := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

# Chalice reloads the server when a file of the project changes, so caches are kept elsewhere.
export PYTHONPYCACHEPREFIX := $(HOME)/.cache/twofold/pycache
# Some images set this: every process that a test starts would then compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

# Tests that run in memory or on moto: `make check` leaves out those of them that start an engine.
FAST := tests/domain tests/commands tests/events $(addprefix tests/http/test_, api.py contract.py errors.py router.py) \
	$(addprefix tests/test_, decisions.py documents.py house.py settings.py third_aggregate.py unions.py walk.py)
PYTEST := $(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

# In one line and before any work, what is wrong with the Python (.venv's, or else $(PYTHON)); with a
# port and an authentication after it, also what is wrong with these and with the settings.
PREFLIGHT = python=$(BIN)/python; [ -x $$python ] || python=$(PYTHON); \
	command -v $$python >/dev/null || \
	{ echo "twofold: there is no $$python; install Python 3.11, 3.12 or 3.13" >&2; exit 1; }; \
	TWOFOLD_AUTH="$(AUTH)" $$python chalicelib/local/preflight.py

.PHONY: run check fast test whole soak bench demo chaos e2e plan deploy destroy docs lint types format lock reset

run:
	@$(PREFLIGHT) "$(PORT)" "$(AUTH)"
	@$(MAKE) --no-print-directory --silent .venv/run-ready
	@TWOFOLD_AUTH=$(AUTH) $(BIN)/chalice local --port $(PORT)

# While you work: lint, types and the fast tests, in a minute or so.
check: lint
	$(MAKE) --no-print-directory --jobs 2 types fast

fast: .venv/ready
	$(PYTEST) -m "not engine" $(FAST)

# Before a change is handed over, and in CI: everything.
test: lint
	$(MAKE) --no-print-directory --jobs 2 types whole

whole: .venv/ready
	$(PYTEST) --durations 25

# All tests, those whose length is a choice (searches at random, chaos, races, traffic) at their full
# length and with new examples each time: see tests/soak.py.
soak: .venv/ready
	TWOFOLD_SOAK=1 $(PYTEST) --durations 25

demo: .venv/run-ready
	$(TWOFOLD) demo --url http://127.0.0.1:$(PORT) $(DATA)

# Measures cost and speed and writes docs/performance.md; QUICK=1 takes a look only.
bench: .venv/bench-ready
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

# Writes and projects books while everything fails that may, and then holds every answer of a ledger
# behind a faulty engine against its books; SEED=7 repeats a run.
chaos: .venv/run-ready
	$(TWOFOLD) chaos $(if $(SEED),--seed $(SEED)) --rounds $(ROUNDS)
	$(TWOFOLD) faults $(if $(SEED),--seed $(SEED)) --rounds $(ROUNDS)

# Deploys all stages to an emulated AWS with IAM enforced, and proves the books there.
e2e: .venv/ready
	$(BIN)/pytest tests/e2e

# What `make deploy` would do; changes nothing.
plan: .venv/run-ready
	$(TWOFOLD) deploy --environment $(ENV) --plan

deploy: .venv/run-ready
	$(TWOFOLD) deploy --environment $(ENV)

# EVENTS=delete-the-books deletes the event table and the keys as well.
destroy: .venv/run-ready
	$(TWOFOLD) destroy --environment $(ENV) --events "$(EVENTS)"

# The documentation as a site, in the folder SITE; its pages can be opened from there.
docs: .venv/ready
	$(BIN)/python -m website $(SITE)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Forgets the books that the embedded engine keeps between runs of this project's server.
reset: .venv/run-ready
	$(TWOFOLD) reset

# Pins all sets of packages, with hashes, from their .in files; UPGRADE=1 takes the newest releases
# of what the .in files do not pin. Each set has the versions of the one before it.
lock: .venv/run-ready
	$(PIN) requirements.in --output-file requirements.txt
	$(PIN) requirements-run.in --constraint requirements.txt --output-file requirements-run.txt
	$(PIN) requirements-dev.in --constraint requirements-run.txt \
		--output-file requirements-dev.txt

# What running and operating need: a venv, unless a usable one is there; uv, by pip and its own
# lines of the lock; and the rest by uv, in a tenth of the time that pip takes. The client and the
# project, whose command is `twofold`, are installed separately, since a folder has no hash.
.venv/run-ready: requirements-run.txt pyproject.toml clients/python/pyproject.toml
	@$(PREFLIGHT)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo ".venv      creating, with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear .venv; }
	@echo ".venv      installing $$(grep -c '^[a-z0-9][^;]*==[^;]*$$' $<) packages, once"
	@sed -n '/^uv==/,/# via/p' $< | \
		$(BIN)/python -m pip install -qq --require-hashes --requirement /dev/stdin
	@$(INSTALL) --require-hashes --requirement $<
	@$(INSTALL) --no-deps --no-build-isolation --editable clients/python --editable .
	@touch $@

# What tests, lint and types need besides. Its versions are those of the set for running.
.venv/ready: .venv/run-ready requirements-dev.txt
	@echo ".venv      installing $$(grep -c '^[a-z0-9][^;]*==[^;]*$$' requirements-dev.txt) packages for development"
	@$(INSTALL) --require-hashes --requirement requirements-dev.txt
	@touch $@

.venv/bench-ready: .venv/ready benchmarks/requirements.txt
	$(INSTALL) --requirement benchmarks/requirements.txt
	touch $@
