# `make` alone lists the targets. PYTHON names the Python to use: make book PYTHON=python3.13

PYTHON ?= python3
PORT ?= 8000

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

PYX := $(shell find src -name '*.pyx')
C := $(filter-out $(PYX:.pyx=.c),$(shell find src -name '*.c'))
COMPILED := $(PYX) $(C) $(shell find src -name '*.pxd' -o -name '*.h')
# What PyTorch's own wheel asks for on Linux and its wheel for the CPU alone does not
CUDA := nvidia-|cuda-|triton=
LOCK_HEADER := \# Every dependency, pinned, for Python 3.11 to 3.14. Written by `make lock` from pyproject.toml; do not edit.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book test lint bench lab serve env lock clean clean-results FORCE

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-22s%s\n", $$1, $$2}'

book: env  ## measure every chapter on this machine (profile quick) and build the site
	@$(RUN) scripts/run.py
	@UNLOCKED_INSTALL_SECONDS=$$(cat _build/install-seconds) $(RUN) scripts/build.py
	@echo 'Open _build/html/index.html'

test: lint  ## all tests: units, every notebook at profile smoke, a strict build, a crawl of the site
	@$(RUN) -m pytest || { echo 'To see one failure alone: $(RUN) -m pytest -x --last-failed' >&2; exit 1; }

lint: env  ## style, types and the rules for notebooks and prose
	@$(RUN) scripts/lint.py

bench: env  ## every comparison as a ratio measured in one run; writes _build/bench.json
	@$(RUN) scripts/bench.py

lab: env  ## open the notebooks in JupyterLab
	@$(RUN) -m jupyterlab notebooks

serve:  ## preview the built site in a browser
	@test -f _build/html/index.html || { echo 'There is no site yet: run `make book` first.' >&2; exit 1; }
	@echo 'Open http://127.0.0.1:$(PORT)/ (Ctrl-C stops).'
	@'$(PYTHON)' -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

env: $(INSTALLED)  ## make or update the environment .venv

$(INSTALLED): requirements.txt requirements-nodeps.txt pyproject.toml setup.py src/unlocked/extensions.py $(COMPILED) $(VENV)/.python
	@'$(PYTHON)' scripts/environment.py install

# Rewritten only when .venv has to be made anew: by another Python, or in another folder.
$(VENV)/.python: FORCE
	@command -v '$(PYTHON)' >/dev/null || { echo "Python is missing (no '$(PYTHON)' here): install it with 'sudo apt install python3' (Debian, Ubuntu), 'sudo dnf install python3' (Fedora) or 'brew install python' (macOS), or name one with PYTHON=…" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 15) else "Python %d.%d will not do, Unlocked needs 3.11 to 3.14: install one of these and name it, for example: make book PYTHON=python3.13" % v)'
	@'$(PYTHON)' scripts/environment.py prepare

lock:  ## write requirements.txt anew from pyproject.toml
	@'$(PYTHON)' -m venv --clear _build/lock
	@_build/lock/bin/python -m pip install -qq uv
	@_build/lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	  --extra dev --no-emit-index-url --no-header --no-annotate --output-file _build/lock/pins.txt
	@{ echo '$(LOCK_HEADER)'; sed -E -e '/^(--|$(CUDA))/d' -e 's/(==[^ ;+]*)\+[^ ;]*/\1/' _build/lock/pins.txt; } > requirements.txt

clean:  ## remove what was built, keep the measurements
	rm -rf _build build .mypy_cache .pytest_cache .ruff_cache .hypothesis

clean-results:  ## remove this machine's measurements (never data/reference)
	rm -rf data/results
