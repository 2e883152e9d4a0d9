# Sesame. `make demo` shows the main job; `make test` runs everything. Each target installs what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test fmt lint test-rust test-tools bless bench laws differential clean

CARGO ?= cargo
# Python environments are kept here between runs; a machine without the folder makes them anew.
SESAME_CACHE ?= $(HOME)/.cache/sesame
export SESAME_CACHE
# Everything, and the command line as it is for a live account.
ALL := --workspace --features sesame/aws

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' | expand -t 18

demo: ## the main job, embedded: a sample organization, eleven refused sends, from alert to closing message
	$(CARGO) run --quiet --locked -p sesame -- demo

test: fmt lint test-rust test-tools ## everything: format, lints, all tests, linters of what Sesame writes

fmt: ## is the code formatted?
	@echo "== format"
	$(CARGO) fmt --all --check

lint: ## clippy, warnings are errors
	@echo "== clippy"
	$(CARGO) clippy --locked $(ALL) --all-targets --quiet -- -D warnings
	$(CARGO) clippy --locked -p sesame --all-targets --quiet -- -D warnings

test-rust: ## all Rust tests
	@echo "== tests"
	$(CARGO) test --locked $(ALL)
	$(CARGO) test --locked -p sesame

# A folder of its own for each content of the requirements, so that a change makes a new one.
TOOLS_VENV := $(SESAME_CACHE)/venv-tools-$(shell sha256sum tests/requirements.txt 2>/dev/null | cut -c1-12)
$(TOOLS_VENV)/ready: tests/requirements.txt
	@echo "== python environment for the linters"
	python3 -m venv $(TOOLS_VENV)
	$(TOOLS_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	touch $@

test-tools: $(TOOLS_VENV)/ready ## lint the commands and fragments that Sesame writes
	@echo "== commands and fragments: cfn-lint, botocore"
	$(TOOLS_VENV)/bin/python tests/tools/check_commands.py

bless: ## rewrite snapshots and generated pages
	BLESS=1 INSTA_UPDATE=always $(CARGO) test $(ALL)

bench: ## the engine's speed, as ratios to a calibration loop and as instruction counts
	$(CARGO) run --release --locked --quiet -p sesame-benches
	command -v valgrind >/dev/null || apt-get install --yes --no-install-recommends valgrind || sudo apt-get install --yes --no-install-recommends valgrind
	$(CARGO) run --release --locked --quiet -p sesame-benches -- --instructions

# `make test` draws the same cases each time; these are others. A failure prints its smallest case; the same SEED shows it again.
ifndef SEED
SEED := $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
endif
CASES ?= 10000
LAWFUL := $(patsubst shared/%/Cargo.toml,-p sesame-%,$(shell grep -l '^proptest' shared/*/Cargo.toml))
laws: ## the property tests of all crates with a fresh seed: make laws SEED=7 CASES=10000
	@echo "== laws: SEED=$(SEED) CASES=$(CASES)"
	PROPTEST_RNG_SEED=$(SEED) PROPTEST_CASES=$(CASES) $(CARGO) test --locked $(LAWFUL)

differential: ## a million generated cases against the reference evaluator
	$(CARGO) run --release --locked --quiet -p sesame-differential -- --cases 1000000

clean: ## throw away what was built
	$(CARGO) clean

-include infra/make/*.mk
