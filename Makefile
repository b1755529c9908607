# Two commands do everything on a fresh machine: `make demo` and `make test`. Each sets up what it needs.

PYTHON ?= python3.11
VENV := .venv
DEMO_HOME ?= var/demo

ON_EVERY_CORE := --numprocesses auto --dist loadscope --no-loadscope-reorder

.PHONY: setup superset metricflow demo test test-full soak lint unit format bench clean

setup: $(VENV)/installed

# requirements.lock pins every package by hash, so pip resolves nothing.
$(VENV)/installed: requirements.lock pyproject.toml setup.py
	@command -v $(PYTHON) >/dev/null || { echo "Needs Python 3.11: install it, or say make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# A Superset for the test of its pack, in an environment of its own: it needs another SQLAlchemy than ours.
superset: var/superset/installed

var/superset/installed: bi/superset/requirements.lock tests/end_to_end/superset_server.py
	@rm -rf var/superset
	$(PYTHON) -m venv var/superset/venv
	var/superset/venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r bi/superset/requirements.lock
	var/superset/venv/bin/python tests/end_to_end/superset_server.py prepare var/superset/metadata.db >var/superset/log 2>&1
	@touch $@

# MetricFlow for the test of the metrics, at the versions of our lock where it has them.
metricflow: var/metricflow/installed

var/metricflow/installed: bi/metrics/requirements.lock
	@rm -rf var/metricflow
	$(PYTHON) -m venv var/metricflow
	var/metricflow/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r bi/metrics/requirements.lock
	@touch $@

demo: setup
	@rm -rf $(DEMO_HOME)
	$(VENV)/bin/arrears demo --home $(DEMO_HOME)

test: lint unit

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	DBT_TARGET_PATH=var/lint DBT_LOG_PATH=var/lint $(VENV)/bin/sqlfluff lint --disable-progress-bar --processes 0 models tests/dbt/singular

unit: setup
	$(VENV)/bin/pytest $(ON_EVERY_CORE)

# What `make test` proves, wider: books of 50,000 loans, 100,000 attempts, more seeds, each kill by itself.
test-full: lint
	ARREARS_SUITE=full $(VENV)/bin/pytest $(ON_EVERY_CORE)

# Hours: what `make test` tries a few times, many times. The figures of the last time are in docs/reliability.md.
soak: setup
	ARREARS_SUITE=full $(VENV)/bin/pytest -s tests/end_to_end/test_soak.py tests/end_to_end/test_processes.py tests/bad_input/test_mutations.py

format: setup
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Not part of the suite: minutes, and a result in benchmarks/results/. `make bench BENCH="--loans 1000000 --runs 1"`
bench: setup
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e ".[bench]"
	$(VENV)/bin/python benchmarks/run.py $(BENCH)

clean:
	rm -rf $(VENV) var build *.egg-info .pytest_cache .ruff_cache
