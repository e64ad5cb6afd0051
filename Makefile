# `make help` lists the targets. All set-up happens by itself, from hash-pinned lock files.
PYTHON ?= python3
PY := .venv/bin/python
FOREWARN := .venv/bin/forewarn
SITE ?= samples/site.yaml
# tests wait as much as they compute: twice as many workers as the smallest machine has cores
TEST_WORKERS ?= 4

.PHONY: help setup demo up test test-long test-again check simulate mutants bench bench-report bench-search bench-peers chaos fuzz quality notebook docs lock fmt clean \
        app-env server-env dev-env models

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 16

app-env:
	@$(PYTHON) deploy/make_env.py app .venv
server-env:
	@$(PYTHON) deploy/make_env.py server .venv-triton
dev-env:
	@$(PYTHON) deploy/make_env.py dev .venv
models: app-env server-env
	@$(FOREWARN) models build

setup: app-env server-env models  ## build both environments and the models, start nothing

demo: models  ## watch the sample footage with a real Triton server and show what came of it
	@rm -rf var/demo
	@$(FOREWARN) keys create --data var/demo
	@$(FOREWARN) run $(SITE) --until-end --data var/demo --summary

up: models  ## flow and console together, on looped footage: http://127.0.0.1:5006
	@$(FOREWARN) keys create --if-none --data var/up
	@$(FOREWARN) up $(SITE) --data var/up

# xdist waits for ever for a worker that it put in the place of a crashed one while files are dealt out
# whole; without a replacement the run ends and names the test in which the worker died
PYTEST = $(PY) -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart=0

test: dev-env models  ## the test suite, real parts included
	@$(PYTEST) -m "not long"

test-long: dev-env models  ## the rest of it: many kills, bursts of signals, damaged files
	@$(PYTEST) -m long

test-again: dev-env  ## what failed or was not reached in the last `make test` or `make test-long`, one after the other
	@$(PY) -m pytest @.pytest_cache/d/unfinished/tests

check: dev-env  ## formatting, lint, types, import layers, figures of the house, generated docs
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy domain flows event_log evidence_store models validation casework dashboards forewarn benchmarks
	@.venv/bin/lint-imports
	@$(PY) deploy/house_figures.py
	@$(PY) -m forewarn.generated_docs --check

docs: dev-env  ## write the generated parts of the docs again
	@$(PY) -m forewarn.generated_docs

simulate: dev-env  ## whole lives in made-up time, with kills, full disks, wrong clocks: SECONDS=60
	@$(PY) -m tests.simulation --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

mutants: dev-env  ## change one thing at a time, SAMPLE=300 of them: which does no quick test notice?
	@$(PY) -m benchmarks.mutations.mutants --sample $(or $(SAMPLE),300) --seed $(or $(SEED),1)

bench: dev-env models  ## all benchmarks in their short form; appends to var/bench/results.jsonl
	@$(PY) -m benchmarks.run

bench-report: app-env  ## the latest result of each benchmark; fails where one misses its must
	@$(PY) -m benchmarks.report

bench-search: dev-env  ## a million evidence rows: search, recall; 10,000 writes: memory (about 20 minutes)
	@$(PY) -m benchmarks.run --only search_scale --only writer_memory --only same_records --long

bench-peers: dev-env models  ## beside Roboflow inference, in an environment of its own (about 7 GB)
	@$(PYTHON) deploy/make_env.py peers .venv-peers
	@$(PY) -m benchmarks.peers

quality: dev-env models  ## how well people are followed, found, hidden; FOREWARN_EVAL_DATA names the folder of clips
	@$(PY) -m benchmarks.quality
	@$(PY) -m benchmarks.quality.faces

fuzz: dev-env models  ## 2,000 damaged clips through the cameras' readers, 200 through whole runs
	@$(PY) -m benchmarks.fuzz

chaos: dev-env models  ## kill -9 at random moments, 50 times; 2,000 bursts of signals, clock steps; counts what is lost, doubled, hangs
	@$(PY) -m benchmarks.chaos --kills 50
	@$(PY) -m benchmarks.run --only chaos_speaker --only signal_bursts --only clock_steps --long
	@$(PY) -m benchmarks.full_disks  # mounts small disks: needs root

notebook: app-env  ## open the notebooks in JupyterLab
	@$(PY) -m jupytext --quiet --sync notebooks/*.py
	@$(PY) -m jupyter lab --ServerApp.root_dir=notebooks --LabApp.news_url=None \
	    --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.extension_manager=readonly

fmt: dev-env  ## format and fix what can be fixed by itself
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lock:  ## resolve the lock files again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header -o requirements/app.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header -c requirements/app.lock -o requirements/dev.lock
	uv pip compile requirements/server.in --no-deps --universal --python-version 3.11 --generate-hashes --no-header -o requirements/server.lock
	uv pip compile requirements/peers.in --overrides requirements/peers-overrides.in --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header -o requirements/peers.lock

clean:  ## remove what running left; environments, weights and fetched wheels stay
	rm -rf var/demo var/up var/bench
