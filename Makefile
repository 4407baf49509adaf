# Longshore. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup venv demo check check-security test test-all scenarios crash machine bench bench-verdicts bench-version readmes release plan \
        rollback apply scale restart drift status clean

# Set on the command line: make release ENV=staging YES=1. Variables of the shell don't reach them: shells have an ENV of
# their own.
ENV = sandbox
APP =
TAG =
BUMP =
YES =
JSON =
SERVICES =
WORKERS = 2

INVOKE := .venv/bin/invoke
PYTEST := .venv/bin/pytest -n $(WORKERS)
where = -e $(ENV) $(if $(APP),-a $(APP))
yes = $(if $(YES),--yes)
json = $(if $(JSON),--json)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: ENV=sandbox APP=name TAG=v1.0.0 BUMP=minor YES=1 JSON=1 SERVICES="web=3 worker=1"'

setup: venv ## prepare this machine; safe to run again
	@.venv/bin/python -m scripts.setup

venv:
	@bash scripts/venv.sh

demo: setup ## three releases of an example, one of them bad, on real containers, without an AWS account
	@.venv/bin/python -m scripts.demo

check: venv ## format, lint, types, fast tests: under a minute
	@.venv/bin/python -m scripts.setup terraform
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/ruff check --quiet
	@.venv/bin/mypy
	@terraform fmt -check -recursive
	@$(PYTEST) --dist worksteal -q -m "not terraform and not e2e and not scenario and not long"

check-security: venv ## checkov on all Terraform, and what it does not see; it makes its own environment at first
	@.venv/bin/python -m scripts.setup terraform
	@.venv/bin/python -m scripts.security
	@$(PYTEST) --dist loadfile -q tests/modules/test_security.py tests/modules/test_permissions.py

test: setup ## one path of each kind, with real Terraform and containers: under 12 minutes
	@$(PYTEST) --dist loadfile --no-loadscope-reorder -m "not long"

test-all: setup ## all tests, the long matrices too: under an hour
	@$(PYTEST) --dist loadfile --no-loadscope-reorder

scenarios: venv ## what becomes of a release when something goes wrong: a table of all scenarios
	@.venv/bin/python -m tests.scenarios

crash: venv ## end a release at every point, resume it, and look whether all invariants hold
	@.venv/bin/python -m tests.crash

machine: venv ## five hundred histories of releases drawn at random: do all invariants hold, is every verdict reached?
	@.venv/bin/python -m tests.machine

bench: bench-version bench-verdicts ## both benchmarks

bench-verdicts: setup ## what Longshore and its peers say of the same faults, and how late: about 15 minutes
	@.venv/bin/python -m scripts.verdicts

bench-version: venv ## what the next version costs in a registry of 100 tags and in one of 100,000: seconds
	@.venv/bin/python -m scripts.versions

readmes: venv ## write the tables of inputs and outputs into the READMEs of Terraform's stacks and modules
	@.venv/bin/python -m scripts.readmes

release: venv ## release this commit to ENV
	@$(INVOKE) release $(where) $(if $(BUMP),--bump $(BUMP)) $(if $(TAG),--tag $(TAG)) $(yes) $(json)

plan: venv ## what a release to ENV would change
	@$(INVOKE) plan $(where) $(if $(TAG),--tag $(TAG))

rollback: venv ## bring back the release before the current one
	@$(INVOKE) rollback $(where) $(yes) $(json)

apply: venv ## apply this tree's Terraform to ENV; the version stays
	@$(INVOKE) apply $(where) $(yes) $(json)

scale: venv ## set how many tasks run in ENV: SERVICES="web=3 worker=1"
	@$(INVOKE) scale $(SERVICES) $(where) $(yes) $(json)

restart: venv ## start the tasks of SERVICES in ENV anew; of all if none is named
	@$(INVOKE) restart $(SERVICES) $(where) $(yes) $(json)

drift: venv ## what in ENV is not as it was released
	@$(INVOKE) drift $(where) $(json)

status: venv ## what runs in ENV
	@$(INVOKE) status $(where) $(json)

clean: ## take the sandbox down and remove what was made inside this folder
	@if [ -x $(INVOKE) ]; then $(INVOKE) sandbox.down; fi
	@find . -path ./.git -prune -o -path ./.venv -prune -o \
	  \( -name __pycache__ -o -name .terraform -o -name .terraform.lock.hcl \) -prune -exec rm -rf {} +
	@rm -rf .longshore .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist tooling/longshore.egg-info

.PHONY: failures
failures: venv ## write docs/failures.md from docs/failures.toml
	@.venv/bin/python -m scripts.failures
