# make run    everything a fresh machine needs, then the server; ARGS=--lan serves other machines too
# make test   all tests; ARGS='-k mixer' for some
# make lint   formatting, types, the rule of the floors
# make bench  the benchmarks but the half-hour soak; ARGS=mixer for one, ARGS='soak --minutes 5' for the soak
# make web    the page
# make clean  removes what was built and the environment; weights stay in the cache

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# The first that runs and is new enough; a name on the path alone may be an empty shim.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v $$name; break; fi; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := $(if $(wildcard constraints.txt),--constraint constraints.txt)
LLAMA := $(shell sed -n 's/.*"\(llama-cpp-python==[0-9.]*\)".*/\1/p' pyproject.toml)
CORES := $(shell getconf _NPROCESSORS_ONLN)
MINUTES := $(shell echo $$(( 16 / $(CORES) + 1 )))
KERNELS := $(shell grep -rlE 'numba|realtime\.kernel' media cognition --include='*.py')
PAGE_SOURCES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/tests -prune -o -type f -print)

export CMAKE_ARGS := -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF -DGGML_NATIVE=ON
export CMAKE_BUILD_PARALLEL_LEVEL := $(CORES)

.PHONY: run test lint bench web weights clean tools test-tools

run: .venv/installed .venv/kernels weights web
	@exec $(BIN)/continuum serve $(ARGS)

test: .venv/developing .venv/kernels weights web test-tools
	npm --prefix web test
	$(BIN)/pytest $(ARGS)

lint: .venv/developing web/node_modules/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix web run typecheck
	npm --prefix web run lint

bench: .venv/developing .venv/kernels weights web
	$(BIN)/python -m perf $(ARGS)

web: web/dist/built

weights: .venv/installed
	@$(BIN)/continuum weights fetch

clean:
	rm -rf .venv web/dist web/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What has to be there before anything can be installed: each missing thing in one line.
tools:
	@ok=1; miss() { echo "missing: $$1" >&2; ok=0; }; \
	py='$(PYTHON)'; \
	if [ -z "$$py" ] || ! "$$py" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		miss "Python 3.11 or newer (python3 of your system, or make PYTHON=/path/to/python3.11)"; \
	else \
		"$$py" -c 'import ensurepip, venv' 2>/dev/null || miss "Python's venv module (Debian: apt-get install python3-venv)"; \
		"$$py" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
			|| miss "Python's headers (Debian: apt-get install python3-dev)"; \
	fi; \
	command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null \
		|| miss "a C compiler (Debian: apt-get install build-essential)"; \
	command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null \
		|| miss "a C++ compiler (Debian: apt-get install build-essential)"; \
	if ! command -v node >/dev/null \
		|| ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then \
		miss "Node.js 20.19 or newer, to build the page (https://nodejs.org)"; \
	fi; \
	command -v npm >/dev/null || miss "npm, to build the page (it comes with Node.js; Debian: apt-get install npm)"; \
	[ $$ok = 1 ]

.venv/installed: pyproject.toml $(wildcard constraints.txt)
	@$(MAKE) tools
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@if ! $(PIP) show --quiet llama-cpp-python 2>/dev/null \
		|| [ "llama-cpp-python==$$($(PIP) show llama-cpp-python | sed -n 's/^Version: //p')" != "$(LLAMA)" ]; then \
		echo "Compiling $(LLAMA) for this processor: about $(MINUTES) minutes on $(CORES) cores, once."; \
		$(PIP) install --verbose $(LOCK) '$(LLAMA)' > .venv/llama.log 2>&1 & build=$$!; \
		trap 'kill $$build 2>/dev/null; exit 130' INT TERM; \
		while kill -0 $$build 2>/dev/null; do \
			sleep 1; \
			step=$$(grep -oE '^ *\[[0-9]+/[0-9]+\]' .venv/llama.log | tail -1 || true); \
			if [ -t 1 ] && [ -n "$$step" ]; then printf '\r%s' "$$step"; fi; \
		done; \
		if [ -t 1 ]; then printf '\r            \r'; fi; \
		wait $$build || { tail -40 .venv/llama.log >&2; echo "compiling $(LLAMA) failed; all of it is in .venv/llama.log" >&2; exit 1; }; \
	fi
	$(PIP) install $(LOCK) --editable '.[mind,voice]'
	@touch $@

.venv/developing: .venv/installed
	$(PIP) install $(LOCK) --editable '.[mind,voice,dev]'
	@touch $@

# Kernels are compiled at install, not at the first word.
.venv/kernels: .venv/installed $(KERNELS)
	@echo "Compiling the kernels."
	@$(BIN)/python -c 'import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]' \
		$(subst /,.,$(KERNELS:.py=))
	@touch $@

web/node_modules/installed: web/package.json web/package-lock.json
	@$(MAKE) tools
	npm --prefix web ci --no-audit --no-fund
	@touch $@

web/dist/built: web/node_modules/installed $(PAGE_SOURCES)
	npm --prefix web run build
	@touch $@

# What tests need beyond Python is installed where that may be done, and named where not.
test-tools:
	@packages=; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| packages="$$packages chromium"; \
	command -v espeak-ng >/dev/null || packages="$$packages espeak-ng"; \
	if [ -n "$$packages" ]; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			export DEBIAN_FRONTEND=noninteractive; \
			{ apt-get update && apt-get install --yes --no-install-recommends $$packages; } \
				|| echo "not installed:$$packages; the tests that need it are reported as not run" >&2; \
		else \
			echo "missing:$$packages; the tests that need it are reported as not run" >&2; \
		fi; \
	fi
