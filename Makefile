# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DELETE_ON_ERROR:
.PHONY: demo test coverage check lint format cores ecosystem screenshots docs reliability simulator bench pins clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A checkout may have any name; Ansible finds the collection through this link.
COLLECTION := $(VENV)/collections/ansible_collections/pbxops/yeastar
READY := $(VENV)/ready
# The environments of the checks, kept until a pin changes.
CONSTRAINTS := tests/constraints.txt
TOOLS := .tools/nox
TOOLS_READY := $(TOOLS)/ready
NOX := $(TOOLS)/bin/nox
SESSIONS_READY := .nox/ready
DOCS := .tools/docs
DOCS_SITE := .tools/docs-site
# Defined on Ansible's own site, which is not fetched; every page by antsibull-docs refers to them.
FOREIGN_LABELS := action_plugins callback_plugins ansible_configuration_settings common_return_values
FOREIGN_VARIABLES := ANSIBLE_CACHE_PLUGIN ANSIBLE_CACHE_PLUGIN_CONNECTION ANSIBLE_CACHE_PLUGIN_PREFIX ANSIBLE_CACHE_PLUGIN_TIMEOUT
DOCS_COLLECTION := $(DOCS)/collections/ansible_collections/pbxops/yeastar
ECOSYSTEM := .tools/ecosystem
BENCH := .tools/bench

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export PYTHONDONTWRITEBYTECODE := 1
# pip reads this in every environment. It takes a list apart at blanks, which an address does not have.
EMPTY :=
BLANK := $(EMPTY) $(EMPTY)
export PIP_CONSTRAINT := file://$(subst $(BLANK),%20,$(CURDIR))/$(CONSTRAINTS)

# Show the tutorial's renewal against the portal simulator.
demo: $(READY)
	$(BIN)/python -m tests.demo

# Run all tests.
test: $(READY)
	PYTHONPATH="$(ANSIBLE_COLLECTIONS_PATH)" $(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(PYTEST_ARGS)
	$(BIN)/python -m tests.demo --quiet

# Run the tests of every fault, and write docs/reliability.md from the results.
reliability: $(READY)
	PYTHONPATH="$(ANSIBLE_COLLECTIONS_PATH)" $(BIN)/python -m tests.reliability

# Check that the unit and property tests alone cover nearly all of the plugins' code.
coverage: $(READY)
	mkdir -p .tools
	PYTHONPATH="$(ANSIBLE_COLLECTIONS_PATH)" $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --cov --cov-report= tests/unit/plugins tests/unit/databases tests/property
	$(BIN)/python -m coverage report

# Check that no random schedule of faults leads to a wrong order: make soak SEED=7 EXAMPLES=20000
soak: $(READY)
	PYTHONPATH="$(ANSIBLE_COLLECTIONS_PATH)" $(BIN)/python -m tests.machine --examples $(or $(EXAMPLES),5000) $(if $(SEED),--seed $(SEED))

# Remove each guard against wrong orders in turn, and check that a test fails.
mutants: $(READY)
	$(BIN)/python -m tests.mutants

# Run every check of the ecosystem. This takes long; `make test` is quicker.
check: lint docs ecosystem coverage cores

# Run ansible-test, the role and the demo on every ansible-core that a Python here can run.
cores: $(READY)
	$(BIN)/python -m tests.cores

# Run all static checks, or some: make lint SESSIONS='codeqa typing'. With CI=true they change no files.
lint: $(SESSIONS_READY)
	CI=true $(NOX) -R $(if $(SESSIONS),--session $(SESSIONS))

# Format the code with ruff.
format: $(SESSIONS_READY)
	CI=false $(NOX) -R --session formatters

# Run the collection in the tools of Ansible's ecosystem, in a browser and promtool, and check ansible-builder's output.
ecosystem: $(ECOSYSTEM)/ready
	$(ECOSYSTEM)/bin/python -m pytest tests/ecosystem $(PYTEST_ARGS)

# Take new screenshots of the report for the documentation.
screenshots: $(ECOSYSTEM)/ready
	SCREENSHOTS=1 $(ECOSYSTEM)/bin/python -m pytest tests/ecosystem/test_report_browser.py -k picture

# Run the portal simulator: make simulator ARGS='--generate 100 --due 10'
simulator: $(READY)
	$(BIN)/python -m tests.simulator $(ARGS)

# Compare the performance with what users would do instead, and write docs/performance.md; needs a quiet machine:
# make bench ARGS=--quick, ARGS='--full 1' for the whole matrix, ARGS=--help
bench: $(BENCH)/ready
	$(BENCH)/bin/python -m tests.bench $(ARGS)

# Lint the documentation and build its site, with warnings as errors: .tools/docs-site/build/html/index.html
docs: export PATH := $(CURDIR)/$(DOCS)/bin:$(PATH)
docs: export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(DOCS)/collections
docs: $(DOCS)/ready
	cd $(DOCS_COLLECTION) && antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs .
	rm -rf $(DOCS_SITE)
	mkdir -p -m 755 $(DOCS_SITE)
	antsibull-docs sphinx-init --use-current --squash-hierarchy --fail-on-error --dest-dir $(DOCS_SITE) \
	  --project pbxops.yeastar --title pbxops.yeastar --copyright 'The pbxops.yeastar authors' pbxops.yeastar >/dev/null
	printf '%s\n' 'intersphinx_mapping = {}' 'nitpick_ignore = [("std:ref", label) for label in "$(FOREIGN_LABELS)".split()]' \
	  'nitpick_ignore += [("envvar", name) for name in "$(FOREIGN_VARIABLES)".split()]' >>$(DOCS_SITE)/conf.py
	$(DOCS_SITE)/build.sh

# List installed packages without a pin.
pins:
	@for python in $(wildcard $(BIN)/python .tools/*/bin/python .tools/cores/*/env/bin/python .nox/*/bin/python); do \
	  $$python -m pip --disable-pip-version-check freeze --exclude-editable; \
	done | grep == | sort --unique | grep --invert-match --ignore-case --line-regexp --fixed-strings --file $(CONSTRAINTS) | \
	grep --invert-match ^ansible-core || true

clean:
	rm -rf $(VENV) .tools .nox .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(READY): tests/requirements.txt $(CONSTRAINTS) Makefile
	rm -rf $(VENV)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	mkdir -p $(dir $(COLLECTION))
	ln -s ../../../.. $(COLLECTION)
	touch $@

$(DOCS)/ready: tests/constraints.txt Makefile
	rm -rf $(DOCS)
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt \
	  ansible-core antsibull-docs requests sphinx-ansible-theme
	mkdir -p $(dir $(DOCS_COLLECTION))
	ln -s ../../../../.. $(DOCS_COLLECTION)
	touch $@

$(TOOLS_READY): $(CONSTRAINTS)
	rm -rf $(TOOLS) .nox
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check nox antsibull-nox
	touch $@

# Without the stamp, nox would use an environment whose installation was interrupted.
$(SESSIONS_READY): $(TOOLS_READY) antsibull-nox.toml noxfile.py
	$(NOX) -r --install-only
	touch $@

$(BENCH)/ready: $(READY) tests/bench/requirements.txt $(CONSTRAINTS)
	rm -rf $(BENCH)
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement tests/bench/requirements.txt --constraint $(CONSTRAINTS)
	touch $@

$(ECOSYSTEM)/ready: tests/ecosystem/requirements.txt tests/requirements.txt tests/constraints.txt
	rm -rf $(ECOSYSTEM)
	$(PYTHON) -m venv $(ECOSYSTEM)
	$(ECOSYSTEM)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement tests/ecosystem/requirements.txt --constraint tests/constraints.txt
	touch $@
