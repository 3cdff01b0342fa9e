# Everything sets itself up: a virtual environment with the locked packages, and the programs that a target needs.
# As root on Debian or Ubuntu missing programs are installed by apt; without root it is said what to install.

PYTHON ?= python3
BREAK ?= login
FOR ?=
BIN := .venv/bin
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o=Dpkg::Use-Pty=0
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
# A lock file names every package, so it is installed as it stands: a resolver would ask for the newest of what another
# package wants with an extra, and find that unpinned.
LOCKED := $(PIP) install --no-deps --require-hashes

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types imports unit coverage bench pages faults lock clean

help: ## what can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' Makefile

# --- what everything needs ---------------------------------------------------------------------------------------------

.venv/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && $(APT) update && $(APT) install -y python3-venv >/dev/null; } || \
	  { echo "python3-venv is needed: sudo apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@touch $@

.venv/installed.stamp: requirements.lock pyproject.toml .venv/python.stamp
	@echo "installing the locked packages into .venv"
	@$(LOCKED) -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock .venv/installed.stamp
	@echo "installing the locked packages for development into .venv"
	@$(LOCKED) -r requirements-dev.lock
	@$(PIP) check
	@touch $@

# $(call program,NAME,PACKAGE): a program on PATH, installed by apt where that may be done
define program
command -v $(1) >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "installing $(2)" \
  && $(APT) update && $(APT) install -y --no-install-recommends $(2) >/dev/null && command -v $(1) >/dev/null; } || \
  { echo "$(1) is needed: sudo apt-get install $(2)"; exit 1; }
endef

.PHONY: prometheus alertmanager victoriametrics registry systemd faketime

# $(call quietly,NAME,PACKAGE): the same of a Debian package that starts a server of its own: it is not needed here, so one
# that came with us is switched off
define quietly
command -v $(1) >/dev/null || { $(call program,$(1),$(2)) && \
  { ! command -v systemctl >/dev/null || systemctl disable -q --now $(2) 2>/dev/null || true; }; }
endef

prometheus:
	@$(call quietly,prometheus,prometheus)
	@$(call program,promtool,prometheus)

alertmanager:
	@$(call quietly,prometheus-alertmanager,prometheus-alertmanager)

victoriametrics: # vmalert decides beside the monitor; what it decides is written to a VictoriaMetrics
	@$(call quietly,vmalert,victoria-metrics)
	@$(call program,victoria-metrics,victoria-metrics)

registry: # it is asked for images
	@$(call quietly,docker-registry,docker-registry)

systemd:
	@$(call program,systemd-analyze,systemd)

faketime: # its library steps the clock under a running daemon
	@$(call program,faketime,faketime)

# --- what people make -----------------------------------------------------------------------------------------------------

demo: .venv/installed.stamp prometheus ## the whole thing on this machine: BREAK=login, errors, latency, billing, invoices, integrity or none; FOR=90s
	@$(BIN)/rollback-monitor demo --break $(BREAK) $(if $(FOR),--for $(FOR))

test: check unit ## everything that CI runs

check: format lint types imports ## formatting, lint, types and the direction of imports

format: .venv/dev.stamp
	@$(BIN)/ruff format --check -q .

lint: .venv/dev.stamp
	@$(BIN)/ruff check -q .

types: .venv/dev.stamp
	@$(BIN)/mypy

imports: .venv/dev.stamp
	@$(BIN)/lint-imports --no-logo >.venv/imports.log || { cat .venv/imports.log; exit 1; }

.PHONY: unit-programs
unit-programs: .venv/dev.stamp prometheus alertmanager victoriametrics registry systemd faketime

# Most tests wait more than they compute, so that several processes share them. Those that hold the program to seconds are
# marked `alone` and come afterwards, one by one. PYTHONDONTWRITEBYTECODE, where it is set, would have each of the hundreds
# of processes that tests start compile the program again.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n > 4 ? 8 : 2 * n)))
TOGETHER = $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not alone"
ALONE = $(BIN)/pytest -m alone $$(grep -rlF --include='test_*.py' mark.alone tests)

.PHONY: compiled
compiled: .venv/dev.stamp
	@$(BIN)/python -m compileall -q monitor

unit: unit-programs compiled ## the tests; WORKERS=1 one after the other
	@failed=0; $(TOGETHER) || failed=1; $(ALONE) || failed=1; exit $$failed

coverage: unit-programs compiled ## the tests, with the coverage of branches, also of the processes that they start: half as long again
	@failed=0; $(TOGETHER) --cov --cov-report= || failed=1; \
	  $(ALONE) --cov --cov-append --cov-report=term:skip-covered || failed=1; exit $$failed

bench: .venv/dev.stamp prometheus victoriametrics ## the measurements behind the figures in the documentation, 1,000 rules beside vmalert
	@BENCH=whole $(BIN)/pytest tests/bench -s -o timeout=1200

pages: .venv/dev.stamp ## every message and form as Slack shows it, in one page to look at: build/slack.html
	@$(BIN)/python -m tests.pictures.slack build/slack.html && echo build/slack.html

faults: .venv/dev.stamp prometheus alertmanager faketime ## kills, outages and half-written rules at length, beside a stock Prometheus and Alertmanager
	@FAULTS=whole MATRIX=whole CLOCK=whole STALLS=whole SOAK=whole CUTS=5000 KILLS=500 HISTORIES=10000 MONITOR_TEST_MUTATIONS=300 $(BIN)/pytest -s -o timeout=3600 \
	  tests/faults tests/middle/test_mixture.py tests/middle/test_rules_on_disk.py

lock: ## the newest versions that pyproject.toml allows, with the hashes of all their files
	@$(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip -q --disable-pip-version-check install pip-tools
	@for extra in "" dev; do \
	  .venv/lock/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-config \
	    --no-header --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --build-deps-for wheel $${extra:+--extra $$extra -c requirements.lock} \
	    -o requirements$${extra:+-$$extra}.lock pyproject.toml || exit 1; done
	@rm -rf .venv/lock

clean: ## remove everything that was made here
	@rm -rf .venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage* build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
