# make app    install into .venv and start the app
# make test   the same with what the tests need, then all tests
# make demo   build assets/demo anew from its sources
# make screenshots   take the README's pictures of the page anew

PYTHON ?= python3
# Where WordNet 3.0 lies (Debian: package wordnet-base).
WORDNET ?= /usr/share/wordnet
DEMO ?= assets/demo

BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check
SOURCES := build/demo
.DELETE_ON_ERROR:
.PHONY: app test demo screenshots browser wordnet

app: .venv/app.stamp
	$(BIN)/python app.py

# Two processes of one thread each, as most machines have two cores. The demo's sources are tested
# too where `make demo` has fetched them.
test: .venv/test.stamp browser
	SPACE_PACKAGES=$(abspath $(SOURCES))/node_modules SPACE_WORDNET=$(WORDNET) OMP_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# On the bundled model: some minutes.
screenshots: .venv/test.stamp browser
	SPACE_PICTURES=docs/img $(BIN)/python -m pytest tests/browser/test_pictures.py

demo: .venv/build.stamp $(SOURCES)/npm.stamp wordnet
	$(BIN)/python -m space_core demo-build --packages $(SOURCES)/node_modules \
	  --wordnet $(WORDNET) --work $(SOURCES)/work --out $(DEMO)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv

# torch first and pinned: a newer one brings gigabytes of CUDA libraries where a CPU build would do.
.venv/app.stamp: requirements.txt constraints.txt | $(BIN)/python
	$(PIP) install --constraint constraints.txt torch
	$(PIP) install --constraint constraints.txt --requirement requirements.txt
	@touch $@

.venv/test.stamp: requirements-dev.txt .venv/app.stamp
	$(PIP) install --constraint constraints.txt --requirement requirements-dev.txt
	@touch $@

.venv/build.stamp: space_core/demo/requirements-build.txt .venv/app.stamp
	$(PIP) install --no-deps --requirement $<
	@touch $@

$(SOURCES)/npm.stamp: space_core/demo/package.json
	mkdir -p $(SOURCES)
	cp $< $(SOURCES)/package.json
	npm install --prefix $(SOURCES) --no-audit --no-fund --no-package-lock
	@touch $@

SUDO = $$([ "$$(id -u)" = 0 ] || echo sudo)
APT = $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends

# The browser tests drive Debian's chromium; where there is no apt-get, bring one along.
browser:
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && $(APT) chromium; } \
	  || echo "No chromium on the PATH: the browser tests will be skipped." >&2

wordnet:
	@test -e $(WORDNET)/data.noun || { command -v apt-get >/dev/null && $(APT) wordnet-base; } \
	  || { echo "WordNet 3.0 is needed: make demo WORDNET=folder-with-data.noun" >&2; exit 1; }
