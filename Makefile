# Cihu on one machine. `make` says what there is to make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# what one process has compiled the next one loads, also where images tell Python to write nothing: hundreds are started
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
DONE := .venv/done
INSTALL := scripts/install.sh
HTMX := marketplace/portal/static/htmx.min.js
KERNEL := .venv-kernel/done
FONT := sandbox/disclosure/files/fonts/NotoSansSC-Regular.ttf
CLIENT := $(shell find kernels/client -name '*.py' -o -name pyproject.toml)

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(DONE)/cihu $(KERNEL) $(HTMX)  ## install what a city needs, from the locks, into this folder

demo: setup $(DONE)/demo

up: demo  ## start the whole city on this machine; Ctrl-C stops it
	@$(BIN)/cihu up

# Two workers more than cores, because tests wait longer than they compute: for processes, for moments, for limits. Those that
# measure time, or wait for a browser, come after, one by one.
TESTS := $(BIN)/pytest --numprocesses $(shell expr $$(nproc) + 2) --dist loadfile --no-loadscope-reorder -m "not alone" --durations 20 && \
  $(BIN)/pytest -m alone tests/browser tests/attacks/test_ask_signals.py

test: setup $(DONE)/dev $(DONE)/docs $(DONE)/generator $(DONE)/redocly $(DONE)/oidc-provider  ## run all the tests
	@$(TESTS)

check: setup $(DONE)/dev $(DONE)/docs $(DONE)/generator $(DONE)/redocly $(DONE)/oidc-provider  ## all that must hold before a change lands: lint, types, layers, tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint compiled
	$(TESTS)

lint: style types client-types layers  ## the quick part of check: lint, types, layers, words

style: $(DONE)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/python scripts/check_words.py

types: $(DONE)/dev
	$(BIN)/mypy

client-types: $(DONE)/dev
	cd kernels/client && ../../$(BIN)/mypy

layers: $(DONE)/dev
	$(BIN)/lint-imports

compiled: $(DONE)/dev  # the tests' bytecode, once: else each worker compiles all of them
	@$(BIN)/pytest --collect-only --quiet >/dev/null

openapi: setup  ## write the API descriptions in docs/openapi again, after an operation was changed
	@$(BIN)/python scripts/write_openapi.py

docs: setup $(DONE)/docs  ## build the documentation in English and Chinese; the portal shows it under /help
	@scripts/build_docs.sh

# with a demo city up and its story played: make up, and .venv/bin/cihu tour --against .cihu
pictures: setup $(DONE)/dev  ## take the pictures of the documentation again, from the running demo city
	@$(BIN)/python scripts/take_pictures.py

# after a page was changed: what is new in it is then looked for in docs/locale
docs-translations: setup $(DONE)/docs
	@scripts/update_translations.sh

bench: bench-checks bench-dp bench-error bench-ledger bench-publish bench-seal  ## measure Cihu beside plain DuckDB and its peers: speed, error, ledger, seal; ROWS=1000000 for a small machine

audit-dp: setup $(DONE)/dev  # try to refute the privacy claims by many runs on neighbouring tables
	@PYTHONPATH=tests:tests/support $(BIN)/python -m audit_dp

audit-sensitivity: setup $(DONE)/dev  # remove a unit from random tables, CASES=1000000 times
	@CIHU_SENSITIVITY_CASES=$(or $(CASES),1000000) $(BIN)/pytest tests/queries/test_sensitivity.py -m slow --timeout 0

audit-budgets: setup $(DONE)/dev  # CASES=300 random histories of budgets beside a model; SEED=1 chooses others
	@CIHU_BUDGET_HISTORIES=$(or $(CASES),300) CIHU_BUDGET_SEED=$(or $(SEED),1) $(BIN)/pytest -n 0 tests/budgets/test_histories.py --timeout 0

# nothing here asserts on a time; a name with a hyphen is not in `make help`, `bench` stands for them
ROWS := 10000000
ROUNDS := 5
PEER_ROUNDS := $(ROUNDS)
PUBLISHED := 5000000
PEERS := --peer-rounds $(PEER_ROUNDS)
BENCH := PYTHONPATH=tests:tests/support $(BIN)/python -m benchmarks

bench-dp: setup $(DONE)/dev
	@$(BENCH).bench_dp --rows $(ROWS) --rounds $(ROUNDS) $(PEERS)

bench-error: setup $(DONE)/dev
	@$(BENCH).bench_error --rows $(ROWS) --rounds $(ROUNDS) $(PEERS)

bench-checks: setup $(DONE)/dev  # how long a reviewer waits for the checks of tables, texts, pictures and models near their limits
	@$(BENCH).bench_checks

bench-ledger: setup $(DONE)/dev
	@$(BENCH).bench_ledger

bench-seal: setup $(DONE)/dev
	@$(BENCH).bench_seal --rounds 7

bench-start: setup $(DONE)/dev  # from handing in a sealed run to its first line
	@$(BIN)/pytest -q -s tests/benchmarks/start_times.py

bench-timing: setup $(DONE)/dev  # whether computing time tells that one person is there: a permutation test on processor seconds
	@$(BENCH).bench_timing

bench-api: setup $(DONE)/dev  # a paid call of rows beside the same look-up on a bare FastAPI route; needs wrk
	@PYTHONPATH=tests:tests/support $(BIN)/python -m benchmarks.bench_api --rounds $(ROUNDS)

bench-portal: setup $(DONE)/dev  # each page of a portal with DATASETS=10000 datasets and USAGE=100000 usage lines
	@PYTHONPATH=tests:tests/support $(BIN)/python -m benchmarks.bench_portal --datasets $(or $(DATASETS),10000) --usage $(or $(USAGE),100000)

soak: setup $(DONE)/dev  # CALLS=100000 paid calls while the portal is killed KILLS=10 times: answered = lines = invoice
	@PYTHONPATH=tests:tests/support $(BIN)/python -m benchmarks.soak --calls $(or $(CALLS),100000) --kills $(or $(KILLS),10)

bench-publish: setup $(DONE)/dev
	@$(BENCH).bench_publish --rows $(if $(filter command,$(firstword $(origin ROWS))),$(ROWS),$(PUBLISHED))

bench-changed: setup $(DONE)/dev  # memory and time of cleaning steps, of adding rows and of a derivation
	@$(BENCH).bench_changed_rows --rows $(if $(filter command,$(firstword $(origin ROWS))),$(ROWS),2000000)

bench-seal-channel: setup $(DONE)/dev
	@$(BENCH).bench_seal_channel

trace: setup $(DONE)/dev  # how many files, functions and moves a question and a metered call pass
	@$(BIN)/pytest -q -s tests/marketplace/trace_paths.py

mutants: setup $(DONE)/dev  # takes out one gate or check after another; fails where no test notices
	@$(BIN)/python scripts/run_mutants.py $(NAMES)

licences: setup  ## the licence of each package that a city installs; says which we could not ship
	@$(BIN)/python scripts/licences.py

audit: setup $(DONE)/audit  # looks each locked package up in the advisory databases; needs the network
	@for lock in requirements/city.lock kernels/requirements.lock; do .venv-audit/bin/pip-audit --disable-pip --require-hashes -r $$lock; done

lock: $(DONE)/uv  ## make the locks again; make lock UPGRADE=--upgrade takes the newest versions
	@scripts/lock.sh $(UPGRADE)

clean:  ## remove what was installed here (not the city's state in .cihu)
	rm -rf .venv .venv-kernel .venv-audit .venv-generator node_modules requirements/redocly/node_modules requirements/oidc-provider/node_modules $(HTMX) sandbox/http/api_docs/files/swagger-ui*

$(DONE)/uv: requirements/uv.lock
	@scripts/make_environment.sh .venv
	@mkdir -p $(DONE) && touch $@

$(DONE)/city: requirements/city.lock $(DONE)/uv
	@echo "installing the city's packages"
	@$(INSTALL) .venv --require-hashes -r requirements/city.lock
	@touch $@

# --no-build-isolation: what builds it is locked too
$(DONE)/cihu: pyproject.toml $(DONE)/city
	@$(INSTALL) .venv --no-deps --no-build-isolation --editable .
	@touch $@

# the demo city's data sets: GPL-3.0, so no image has them
$(DONE)/demo: requirements/demo.lock $(DONE)/cihu
	@$(INSTALL) .venv --require-hashes -r requirements/demo.lock
	@touch $@

$(DONE)/dev: requirements/dev.lock $(DONE)/cihu
	@echo "installing what the checks need"
	@$(INSTALL) .venv --require-hashes -r requirements/dev.lock
	@touch $@

$(DONE)/docs: requirements/docs.lock $(DONE)/cihu
	@echo "installing what the documentation needs"
	@$(INSTALL) .venv --require-hashes -r requirements/docs.lock
	@touch $@

$(DONE)/generator: requirements/generator.lock $(DONE)/uv
	@[ -x .venv-generator/bin/python ] || $(BIN)/python -m venv --without-pip .venv-generator
	@$(INSTALL) .venv-generator --require-hashes -r requirements/generator.lock
	@touch $@

$(DONE)/redocly: requirements/redocly/package-lock.json | $(DONE)/uv
	@scripts/npm_ci.sh requirements/redocly
	@touch $@

$(DONE)/oidc-provider: requirements/oidc-provider/package-lock.json | $(DONE)/uv
	@scripts/npm_ci.sh requirements/oidc-provider
	@touch $@

$(DONE)/audit: requirements/audit.lock $(DONE)/uv
	@scripts/make_environment.sh .venv-audit
	@$(INSTALL) .venv-audit --require-hashes -r requirements/audit.lock
	@touch $@

# analysts' kernels have an environment of their own: nothing of the vault's is in it. It is read-only in a seal, so it is compiled here.
$(KERNEL): kernels/requirements.lock $(CLIENT) $(FONT) scripts/install_kernel_font.sh $(DONE)/city
	@echo "installing the kernels' packages"
	@[ -x .venv-kernel/bin/python ] || $(BIN)/python -m venv --without-pip .venv-kernel
	@$(INSTALL) .venv-kernel --compile-bytecode --require-hashes -r kernels/requirements.lock
	@cd kernels/client && ../../$(BIN)/python -m hatchling build -t wheel -d ../../.venv-kernel/client >/dev/null
	@$(INSTALL) .venv-kernel --compile-bytecode --no-deps --reinstall-package cihu-client .venv-kernel/client/*.whl
	@scripts/install_kernel_font.sh .venv-kernel
	@touch $@

$(HTMX): package-lock.json | $(DONE)/uv
	@scripts/fetch_for_browsers.sh
	@touch $@

.PHONY: help setup up test check lint style types client-types layers compiled openapi docs docs-translations audit-dp audit-sensitivity audit-budgets bench bench-checks bench-dp bench-error bench-ledger bench-publish bench-seal bench-seal-channel bench-start bench-timing bench-api bench-portal bench-changed soak trace mutants pictures demo licences audit lock clean
