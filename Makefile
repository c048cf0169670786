# make run, make test: everything from nothing.
PORT ?= 8000
AUTH ?= none
ENV ?= prod
DATA ?= tests/data/berka-sample.csv
BIN := .venv/bin

# Chalice reloads the server when a file of the project changes, so caches are kept elsewhere.
export PYTHONPYCACHEPREFIX := $(HOME)/.cache/twofold/pycache

.PHONY: run test demo e2e deploy destroy lint types format reset

run: .venv/ready
	TWOFOLD_AUTH=$(AUTH) $(BIN)/chalice local --port $(PORT)

test: lint types
	$(BIN)/pytest

demo: .venv/ready
	$(BIN)/python -m ops demo --url http://127.0.0.1:$(PORT) $(DATA)

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

.venv/ready: requirements.txt requirements-dev.txt
	python3 -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@
