# The functions: built as they are deployed, linted, measured, and run end to end in emulators.
.PHONY: command-line build-functions functions-by-sam functions-by-cargo test-infra e2e test-e2e sizes

# What the end-to-end tests deploy: `sam` builds as for a deployment, which takes minutes; `cargo` takes what `cargo test` has
# built already: `--tests` makes it the same features of the same crates.
FUNCTIONS ?= sam

# As in the main file: a folder of its own for each content of the requirements.
venv = $(SESAME_CACHE)/venv-$(1)-$(shell sha256sum $(2) | cut -c1-12)
SAM_VENV := $(call venv,sam,tests/infra/requirements.txt)
E2E_VENV := $(call venv,e2e,tests/requirements-e2e.txt)

$(SAM_VENV)/ready: tests/infra/requirements.txt
$(E2E_VENV)/ready: tests/requirements-e2e.txt
$(SAM_VENV)/ready $(E2E_VENV)/ready:
	@echo "== python environment of $<"
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# cargo-lambda comes from the environment; sam looks for it on the path. Telemetry would be a call to the network.
SAM := PATH="$(SAM_VENV)/bin:$$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 sam

build-functions: functions-by-$(FUNCTIONS) ## build every function as it is deployed, into .aws-sam/build

functions-by-sam: $(SAM_VENV)/ready
	@echo "== functions"
	$(SAM) build

functions-by-cargo:
	@echo "== functions, unoptimized"
	$(CARGO) build --locked $(ALL) --bins --tests --quiet
	python3 tests/e2e/assemble.py "$${CARGO_TARGET_DIR:-target}/debug"

test-infra: $(SAM_VENV)/ready ## the template, its rule and its role: linters and tests
	@echo "== template"
	$(SAM_VENV)/bin/python -m pytest --quiet -p no:cacheprovider tests/infra

command-line: ## the command line as it is for a live account
	@echo "== command line"
	$(CARGO) build --locked $(ALL) --bins --tests --quiet

e2e: build-functions command-line $(SAM_VENV)/ready $(E2E_VENV)/ready chromium ## the real functions in emulators: refused, told, approved in a browser, applied, sent, rolled back
	@echo "== end to end"
	SESAME_SAM=$(SAM_VENV)/bin/sam SESAME_BUILT_BY=$(FUNCTIONS) SESAME_CLI="$${CARGO_TARGET_DIR:-target}/debug/sesame" $(E2E_VENV)/bin/python -m pytest --quiet -p no:cacheprovider tests/e2e

# Only what is deployed is worth measuring.
sizes: functions-by-sam $(E2E_VENV)/ready ## size, start-up, processor time and memory of the functions, into docs/sizes.md
	@echo "== sizes"
	SESAME_SAM=$(SAM_VENV)/bin/sam $(E2E_VENV)/bin/python tests/e2e/sizes.py

test: test-infra test-e2e

test-e2e:
	$(MAKE) --no-print-directory e2e FUNCTIONS=cargo
