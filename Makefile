# make run   install into .venv and show the real server at work (listserv demo)
# make test  install, then check and test everything
# make lint  only the checks that read the code
# make bench measure it on this machine: a JSON line a figure, then tables (ARGS='fan-out --members 1000')
# make bench-peers  beside Mailman 3 and mlmmj, which it installs (Debian, root; ARGS=quick)
# make soak  half an hour of storms, and the long form of each test that has one (SOAK_MINUTES=5 SOAK_SEED=7)
# make fuzz  libFuzzer on what strangers send, so many minutes a target (FUZZ_MINUTES=10, ARGS='header mime')
# make lock  pin the newest releases again

.DEFAULT_GOAL := run
.PHONY: run test pytest soak fuzz lint style types format coverage bench bench-peers docs words lock migration clean

# The first of these that is there and new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input install
FROM_LOCK := --require-hashes --no-build-isolation --use-pep517
LOCKED := .venv/.lock-is-installed
READY := .venv/.run-is-ready
READY_TO_TEST := .venv/.test-is-ready
READY_TO_FUZZ := .venv/.fuzz-is-ready

run: $(READY)
	@$(BIN)/listserv demo

# Tests wait much: there are more of them at once than processors, and mypy beside them.
test: $(READY_TO_TEST) style
	@$(MAKE) --no-print-directory -j 2 types pytest

pytest:
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

soak: export LISTSERV_LONG := 1
soak: export SOAK_MINUTES := $(or $(SOAK_MINUTES),30)
soak: $(READY_TO_TEST)
	@$(BIN)/python -m pytest -q -s tests/soak
	@$(BIN)/python -m pytest -n 2 --dist loadfile $$(grep -lw -e LONG -e LISTSERV_LONG tests/test_*.py)

fuzz: $(READY_TO_FUZZ)
	@$(BIN)/python -m tests.fuzz.run $(or $(FUZZ_MINUTES),10) $(ARGS)

lint: style types

style: $(READY_TO_TEST)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(READY_TO_TEST)
	@$(BIN)/mypy

format: $(READY_TO_TEST)
	@$(BIN)/ruff check --fix --select I
	@$(BIN)/ruff format

coverage: $(READY_TO_TEST)
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -q -n 2 --dist loadfile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: $(READY)
	@$(BIN)/python bench/run.py $(or $(ARGS),--long)

bench-peers: $(READY)
	@bench/peers.sh $(ARGS)

# What is there and newer than what it was made from is left alone: a second call does nothing. A changed
# lock makes the venv anew. The checkout is installed editable, so that a change in it is seen at once.
$(LOCKED): requirements.txt requirements-build.txt
	@$(if $(PYTHON),,echo 'Python 3.11 or newer is needed and none was found; install it, or say `make PYTHON=/path/to/python3`.' >&2; exit 1)
	@echo 'Installing into .venv (once; a minute or so) …'
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { echo 'No venv could be made; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@$(PIP) --require-hashes -r requirements-build.txt
	@$(PIP) $(FROM_LOCK) -r requirements.txt
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q listserv archive_site
	@touch $@

$(READY_TO_TEST): $(LOCKED) requirements-dev.txt | $(READY)
	@echo 'Installing what the tests need …'
	@$(PIP) $(FROM_LOCK) -r requirements-dev.txt
	@touch $@

$(READY_TO_FUZZ): $(READY_TO_TEST) requirements-fuzz.txt
	@$(PIP) --require-hashes --only-binary :all: -r requirements-fuzz.txt
	@touch $@

COMPILE = $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

# Run it on the oldest Python that we support: what only older ones need is then pinned too.
lock: export CUSTOM_COMPILE_COMMAND = make lock
lock: $(READY_TO_TEST)
	@$(COMPILE) pyproject.toml -o requirements.txt
	@$(COMPILE) requirements-build.in -o requirements-build.txt
	@$(COMPILE) requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) requirements-fuzz.in -o requirements-fuzz.txt

# The pages of docs/ that are told from the code.
docs: $(READY_TO_TEST)
	@$(BIN)/python -m tests.kit.docs

# What the templates of mails say, into each catalog of templates/locale; then translate what is empty there.
words: $(READY_TO_TEST)
	@$(BIN)/python -m tests.kit.words

# A new file in migrations/versions from what changed in store/schema.py: make migration SAYS="what it does"
migration: $(READY_TO_TEST)
	@$(BIN)/python -m tests.kit.new_migration "$(SAYS)"

clean:
	@rm -rf .venv dist demo htmlcov .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
