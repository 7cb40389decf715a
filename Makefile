# Each target wraps the commands that a Python user would type; see README.md.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: setup demo app test test-nightly check screenshots bench clean

setup: $(VENV)/installed

$(VENV)/installed: requirements.txt requirements-formats.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-formats.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(VENV)/installed
	$(BIN)/python -m fdcore demo

app: $(VENV)/installed
	$(BIN)/python -m streamlit run app.py

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not browser and not nightly"
	$(BIN)/python -m pytest -n 2 --maxschedchunk 1 -m "not nightly" tests/browser

test-nightly: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m nightly

check: $(VENV)/installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

screenshots: $(VENV)/installed-dev demo
	$(BIN)/python scripts/make_screenshots.py

# Those that need no argument; the calibration scripts need real data.
BENCHMARKS := distances selection stability scoring cloning word_vectors dashboard

bench: $(VENV)/installed-dev
	for name in $(BENCHMARKS); do $(BIN)/python benchmarks/$$name.py || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
