# Sesame. `make demo` shows the main job; `make test` runs everything. Each target installs what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test fmt lint test-rust test-tools bless bench laws differential fuzz mutants clean

CARGO ?= cargo
# Python environments are kept here between runs; a machine without the folder makes them anew.
SESAME_CACHE ?= $(HOME)/.cache/sesame
export SESAME_CACHE
# Everything, and the command line as it is for a live account.
ALL := --workspace --features sesame/aws
# What needs no AWS SDK.
PURE := -p sesame -p sesame-scenarios $(patsubst shared/%/Cargo.toml,-p sesame-%,$(filter-out shared/aws/% shared/lambda/%,$(wildcard shared/*/Cargo.toml)))

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' | expand -t 18

demo: ## the main job, embedded: a sample organization, eleven refused sends, from alert to closing message
	@echo "== building the command line"
	$(CARGO) build --locked -p sesame
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
	@echo "== tests, built as released"
	$(CARGO) test --release --locked $(PURE)

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
CASES ?= 2500
LAWFUL := $(patsubst shared/%/Cargo.toml,-p sesame-%,$(shell grep -l '^proptest' shared/*/Cargo.toml))
laws: ## the property tests of all crates with a fresh seed: make laws SEED=7 CASES=2500
	@echo "== laws: SEED=$(SEED) CASES=$(CASES)"
	PROPTEST_RNG_SEED=$(SEED) PROPTEST_CASES=$(CASES) $(CARGO) test --release --locked $(LAWFUL)

differential: ## a million generated cases against the reference evaluator: make differential SEED=7
	$(CARGO) run --release --locked --quiet -p sesame-differential -- --cases 1000000 --seed $(SEED)

# Tools that cargo builds, kept between runs.
CARGO_TOOLS := $(SESAME_CACHE)/cargo-tools
$(CARGO_TOOLS)/bin/cargo-fuzz: TOOL_VERSION := 0.13.2
$(CARGO_TOOLS)/bin/cargo-mutants: TOOL_VERSION := 27.1.0
$(CARGO_TOOLS)/bin/%:
	$(CARGO) install --quiet --locked --root $(CARGO_TOOLS) --version $(TOOL_VERSION) $*

# Needs a nightly toolchain of rustup; `make test` replays what was found without one.
FUZZ_SECONDS ?= 120
FUZZ_TARGETS ?= arn document evaluate matcher
fuzz: $(CARGO_TOOLS)/bin/cargo-fuzz ## fuzz the policy engine, each target for FUZZ_SECONDS
	rustup toolchain list | grep -q nightly || rustup toolchain install nightly --profile minimal
	for target in $(FUZZ_TARGETS); do \
	  echo "== fuzz $$target"; mkdir -p tests/fuzz/found/$$target; \
	  PATH="$(CARGO_TOOLS)/bin:$$PATH" $(CARGO) +nightly fuzz run --fuzz-dir tests/fuzz $$target tests/fuzz/found/$$target tests/fuzz/corpus/$$target \
	    -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -dict=tests/fuzz/policy.dict -verbosity=0 -print_final_stats=1; \
	done

# What is run for each mutant: .cargo/mutants.toml. Built in memory where there is a file system for that: the disk takes longer
# than the compiler.
SHARD ?= 1/16
MUTANTS_JOBS ?= 1
MUTANTS_TMP := $(firstword $(wildcard /dev/shm) $(or $(TMPDIR),/tmp))
mutants: $(CARGO_TOOLS)/bin/cargo-mutants ## are mistakes in the policy engine noticed? make mutants SHARD=1/16
	mkdir -p target
	env -u CARGO_TARGET_DIR PATH="$(CARGO_TOOLS)/bin:$$PATH" TMPDIR=$(MUTANTS_TMP) CARGO_INCREMENTAL=1 PROPTEST_CASES=50 PROPTEST_MAX_SHRINK_ITERS=0 DIFFERENTIAL_CASES=600 \
	  $(CARGO) mutants --package sesame-policy --test-package sesame-policy,sesame-differential --jobs $(MUTANTS_JOBS) $(MUTANTS) \
	  --shard $(shell echo $(SHARD) | awk -F/ '{ print $$1 - 1 "/" $$2 }') --sharding round-robin --output target/mutants-$(subst /,-of-,$(SHARD))

clean: ## throw away what was built
	$(CARGO) clean

-include infra/make/*.mk
