# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DELETE_ON_ERROR:
.PHONY: demo test ecosystem simulator clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A checkout may have any name; Ansible finds the collection through this link.
COLLECTION := $(VENV)/collections/ansible_collections/pbxops/yeastar
READY := $(VENV)/ready
ECOSYSTEM := .tools/ecosystem

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(VENV)/collections
export PYTHONDONTWRITEBYTECODE := 1

# Watch the tutorial's renewal, against the portal simulator.
demo: $(READY)
	$(BIN)/python -m tests.demo

# Run all tests.
test: $(READY)
	PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH) $(BIN)/python -m pytest $(PYTEST_ARGS)
	$(BIN)/python -m tests.demo --quiet

# Run the role in ansible-runner, ansible-navigator and molecule, and read what ansible-builder makes of the collection.
ecosystem: $(ECOSYSTEM)/ready
	$(ECOSYSTEM)/bin/python -m pytest tests/ecosystem $(PYTEST_ARGS)

# Run the portal simulator by hand: make simulator ARGS='--generate 100 --due 10'
simulator: $(READY)
	$(BIN)/python -m tests.simulator $(ARGS)

clean:
	rm -rf $(VENV) .tools .hypothesis .pytest_cache

$(READY): tests/requirements.txt Makefile
	rm -rf $(VENV)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	mkdir -p $(dir $(COLLECTION))
	ln -s ../../../.. $(COLLECTION)
	touch $@

$(ECOSYSTEM)/ready: tests/ecosystem/requirements.txt tests/requirements.txt tests/constraints.txt
	rm -rf $(ECOSYSTEM)
	$(PYTHON) -m venv $(ECOSYSTEM)
	$(ECOSYSTEM)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement tests/ecosystem/requirements.txt --constraint tests/constraints.txt
	touch $@
