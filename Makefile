# Everything happens inside .venv; a second call installs again only when the pins or pyproject.toml have changed.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TOOLS := .venv/.tools
ARGS ?=
# Tests mostly wait, for a process to die or a page to change: two side by side, each with a PostgreSQL of its own.
WORKERS ?= 2

.PHONY: help install demo run test test-faults test-edits test-hour lint bench pins

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

install: $(INSTALLED)  ## make .venv and install all that runs into it, pinned by hash (tests fetch their own tools)

demo: $(INSTALLED)  ## start everything with sandbox marketplaces, nothing else needed
	$(BIN)/erp-scheduler demo $(ARGS)

run: $(INSTALLED)  ## start the daemon in the foreground (ARGS="--workers 4")
	$(BIN)/erp-scheduler start $(ARGS)

test: $(TOOLS)  ## run all tests (ARGS="-k claim", WORKERS=0 for one after the other)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

test-faults: $(TOOLS)  ## ten minutes of faults, and their table into docs/faults.md (ARGS="--seconds 60")
	$(BIN)/python -m tests.faults.run --seconds 600 --report docs/faults.md $(ARGS)

test-edits: $(TOOLS)  ## 5,000 sequences of edits between the daemon's steps (ERP_EDIT_SEED=1 for others than the usual)
	ERP_EDIT_SEQUENCES=5000 $(BIN)/python -m pytest tests/protocol/test_edits_machine.py $(ARGS)

test-hour: $(TOOLS)  ## an hour of three shops in minutes: late orders, faults, kills (ARGS="--minutes 20 --speed 60")
	$(BIN)/python -m tests.markets.hour $(ARGS)

lint: $(TOOLS)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(TOOLS)  ## measure throughput and lateness against bare SQL
	$(BIN)/python -m benchmarks $(ARGS)

pins:  ## write requirements/*.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--all-extras pyproject.toml requirements/build.in -o requirements/all.txt
	uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		-c requirements/all.txt pyproject.toml requirements/build.in -o requirements/base.txt
	uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		-c requirements/all.txt --extra embedded pyproject.toml requirements/build.in -o requirements/first.txt

$(INSTALLED): pyproject.toml requirements/first.txt
	@PYTHON='$(PYTHON)' deploy/install.sh .venv requirements/first.txt
	@touch $@

$(TOOLS): $(INSTALLED) requirements/all.txt
	@PYTHON='$(PYTHON)' deploy/install.sh .venv requirements/all.txt
	@touch $@
