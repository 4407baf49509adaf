# Longshore. `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup venv demo check types fast-tests check-security test test-all scenarios crash fuzz machine bench \
        bench-verdicts bench-version bench-calls readmes reference pictures docs words release plan rollback apply scale restart \
        drift status clean failures

# Set these on the command line: make release ENV=staging YES=1. Variables of your shell are ignored, because a shell has
# its own ENV.
ENV = sandbox
APP =
TAG =
BUMP =
YES =
DRY_RUN =
JSON =
SERVICES =
WORKERS = 2

INVOKE := .venv/bin/invoke
PYTEST := .venv/bin/pytest -n $(WORKERS)
where = -e $(ENV) $(if $(APP),-a $(APP))
yes = $(if $(YES),--yes)
json = $(if $(JSON),--json)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: ENV=sandbox APP=name TAG=v1.0.0 BUMP=minor YES=1 DRY_RUN=1 JSON=1 SERVICES="web=3 worker=1"'

setup: venv ## prepare this machine; safe to run again
	@.venv/bin/python -m scripts.setup

venv:
	@bash scripts/venv.sh

demo: setup ## three releases of an example, one of them bad, on real containers, without an AWS account
	@.venv/bin/python -m scripts.demo

check: venv ## format, lint, types and fast tests: under a minute
	@.venv/bin/python -m scripts.setup terraform
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/ruff check --quiet
	@terraform fmt -check -recursive
	@$(MAKE) --no-print-directory --jobs=2 types fast-tests

types:
	@.venv/bin/mypy

# One worker more than there are cores: some of these tests wait for a process or a socket.
fast-tests:
	@.venv/bin/pytest -n $$(($(WORKERS) + 1)) --dist worksteal -q -m "not terraform and not e2e and not scenario and not long"

check-security: venv ## checkov and our own rules on all Terraform; the first run installs checkov in .longshore
	@.venv/bin/python -m scripts.setup terraform
	@.venv/bin/python -m scripts.security
	@$(PYTEST) --dist loadfile -q tests/modules/test_security.py tests/modules/test_permissions.py

test: setup ## one path of each kind, with real Terraform and real containers: under 12 minutes
	@$(PYTEST) --dist loadfile --no-loadscope-reorder -m "not long"

test-all: setup ## all tests, with the long matrices: under an hour
	@.venv/bin/pytest -n $$(($(WORKERS) + 1)) --dist loadfile --no-loadscope-reorder

scenarios: venv ## play every failure on the scripted stage and print a table of the verdicts
	@.venv/bin/python -m tests.scenarios

crash: venv ## kill a release at every step, resume it, and check all invariants
	@.venv/bin/python -m tests.crash

fuzz: venv ## read very many malformed documents and answers of each kind; FUZZER=name for one: minutes
	@.venv/bin/pytest -n $(WORKERS) -q -rP tests/fuzz $(if $(FUZZER),-k "many and $(FUZZER)",-m long)

machine: venv ## generate 500 random release histories and check all invariants and verdicts
	@.venv/bin/python -m tests.machine

bench: bench-version bench-calls bench-verdicts ## all benchmarks

bench-verdicts: setup ## how Longshore and three other tools judge the same faults: about half an hour
	@.venv/bin/python -m scripts.verdicts

bench-version: venv ## the cost of the next version in a registry of 100 tags and of 100,000: seconds
	@.venv/bin/python -m scripts.versions

bench-calls: venv ## how often a release calls ECS, beside the rates that AWS allows: seconds
	@.venv/bin/python -m scripts.calls

readmes: venv ## write the tables of inputs and outputs into the READMEs of the Terraform stacks and modules
	@.venv/bin/python -m scripts.readmes

reference: venv ## write the generated parts of docs from the tasks, the settings and the tests of machines
	@.venv/bin/python -m scripts.reference

pictures: venv ## write the pictures of the README from the real output of a release
	@.venv/bin/python -m tests.pictures

docs: venv ## build the documentation site, strictly; the first run installs Sphinx in .longshore
	@.venv/bin/python -m scripts.docs

words: venv ## count the phrases that docs/style.md rules out
	@.venv/bin/python -m scripts.words

release: venv ## release this commit to ENV
	@$(INVOKE) release $(where) $(if $(BUMP),--bump $(BUMP)) $(if $(TAG),--tag $(TAG)) \
	  $(if $(DRY_RUN),--dry-run) $(yes) $(json)

plan: venv ## show the changes that a release to ENV would make
	@$(INVOKE) plan $(where) $(if $(TAG),--tag $(TAG))

rollback: venv ## roll back to the release before the current one
	@$(INVOKE) rollback $(where) $(yes) $(json)

apply: venv ## apply this tree's Terraform to ENV; the version stays
	@$(INVOKE) apply $(where) $(yes) $(json)

scale: venv ## set the number of tasks in ENV: SERVICES="web=3 worker=1"
	@$(INVOKE) scale $(SERVICES) $(where) $(yes) $(json)

restart: venv ## restart the tasks of SERVICES in ENV; of all services by default
	@$(INVOKE) restart $(SERVICES) $(where) $(yes) $(json)

drift: venv ## show how ENV differs from its last release
	@$(INVOKE) drift $(where) $(json)

status: venv ## show the running and the released version in ENV
	@$(INVOKE) status $(where) $(json)

clean: ## take the sandbox down and remove everything that was made inside this folder
	@if [ -x $(INVOKE) ]; then $(INVOKE) sandbox.down; fi
	@find . -path ./.git -prune -o -path ./.venv -prune -o \
	  \( -name __pycache__ -o -name .terraform -o -name .terraform.lock.hcl \) -prune -exec rm -rf {} +
	@rm -rf .longshore .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist tooling/longshore.egg-info

.PHONY: failures
failures: venv ## write docs/failures.md from docs/failures.toml
	@.venv/bin/python -m scripts.failures
