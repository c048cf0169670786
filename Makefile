# make run, make test: everything from nothing.
PORT ?= 8000
AUTH ?= none
ENV ?= prod
DATA ?= tests/data/berka-sample.csv
ROUNDS ?= 3
BIN := .venv/bin

# Chalice reloads the server when a file of the project changes, so caches are kept elsewhere.
export PYTHONPYCACHEPREFIX := $(HOME)/.cache/twofold/pycache

.PHONY: run test bench demo chaos e2e deploy destroy lint types format reset

run: .venv/ready
	TWOFOLD_AUTH=$(AUTH) $(BIN)/chalice local --port $(PORT)

test: lint types
	$(BIN)/pytest --numprocesses auto --dist loadfile --durations 25

demo: .venv/ready
	$(BIN)/python -m ops demo --url http://127.0.0.1:$(PORT) $(DATA)

# Measures cost and speed and writes docs/performance.md; QUICK=1 takes a look only.
bench: .venv/bench-ready
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

# Writes and projects books while everything fails that may; SEED=7 repeats a run.
chaos: .venv/ready
	$(BIN)/python -m ops chaos $(if $(SEED),--seed $(SEED)) --rounds $(ROUNDS)

# Deploys all stages to an emulated AWS with IAM enforced, and proves the books there.
e2e: .venv/ready
	$(BIN)/pytest tests/e2e

deploy: .venv/ready
	$(BIN)/python -m ops deploy --environment $(ENV)

# EVENTS=delete-the-books deletes the event table and the keys as well.
destroy: .venv/ready
	$(BIN)/python -m ops destroy --environment $(ENV) --events "$(EVENTS)"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Forgets the books that the embedded engine keeps between runs of this project's server.
reset: .venv/ready
	$(BIN)/python -m ops reset

.venv/ready: requirements.txt requirements-dev.txt clients/python/pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@

.venv/bench-ready: .venv/ready benchmarks/requirements.txt
	$(BIN)/pip install --quiet --requirement benchmarks/requirements.txt
	touch $@
