# Every target is a line or two; the work is in scripts/.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup serve demo fmt check test bench docs

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make the environment: .venv, the JavaScript clients, PostgreSQL and Chromium for the tests
	@scripts/setup

serve: ## Run the server with your settings
	@scripts/setup --python
	@.venv/bin/watchword serve

demo: ## Run a server with example data, on SQLite and nothing else
	@scripts/setup --python
	@.venv/bin/watchword demo

fmt: ## Format the code and mend what the linter can mend
	@scripts/setup --python
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

check: ## Format, lint, types, layers, dependencies, links: all that needs no running
	@scripts/setup --python
	@scripts/check

test: setup ## Run the tests; make test ARGS='-k sessions' for some of them
	@.venv/bin/pytest -n auto --dist loadfile $(ARGS)

bench: ## Run the benchmarks
	@scripts/setup --python
	@.venv/bin/python -m benchmarks $(ARGS)

docs: ## Check the documentation
	@scripts/setup --python
	@.venv/bin/python scripts/check_links.py
