# demo and test need nothing set up before: they make their own environment in .venv.
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
SRC := corpus ingest search lambdas footnote tests bench sample_docs

.PHONY: help demo test check baseline serve bench bench-engines soak fuzz schema bench-services services services-status services-stop clean

help:
	@echo "make demo      ingest sample_docs/ and ask three questions"
	@echo "make test      run the whole default suite"
	@echo "make check     formatting, lint, types, the rules of the tree and of lambdas/template.yaml, and that answers got no worse"
	@echo "make baseline  keep how the golden questions are answered now, for make check to hold against"
	@echo "make serve     answer over HTTP on http://127.0.0.1:8000"
	@echo "make bench     measure what docs/benchmarks.md quotes; DATA=folder of the labelled sets"
	@echo "make bench-engines  the vector index against other engines in one process; half an hour"
	@echo "make soak      a PDF of 2,000 pages in slices of time, killed and stopped; a million hits against an oracle"
	@echo "make fuzz      damaged documents for every extractor; SECONDS=60 for each, by atheris where it installs"
	@echo "make schema    ask every route whatever its OpenAPI document allows, as three people; some minutes"
	@echo "make bench-services  the same on OpenSearch, DynamoDB Local and moto; a quarter of an hour"
	@echo "make services  start OpenSearch, DynamoDB Local and moto (S3, SQS) on loopback, for the tests marked service"
	@echo "make services-status  say which of them run"
	@echo "make services-stop  stop them"
	@echo "make clean     remove .venv and footnote-data"

.venv/run: requirements/run.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Footnote needs Python 3.11 or newer; none of python3.13, python3.12, python3.11, python3 is."; exit 2; }
	@echo "Making an environment in .venv (once) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/run requirements/dev.txt
	@echo "Adding the tools of the tests (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv/model: .venv/run
	@$(BIN)/footnote model
	@touch $@

demo: .venv/model
	@$(BIN)/footnote ingest sample_docs
	@for question in \
		"How much is the fee for the party room?" \
		"By how much does the monthly contribution rise?" \
		"May I keep bees on my balcony?"; do \
		echo; echo "> footnote ask \"$$question\""; $(BIN)/footnote ask "$$question"; done

test: .venv/dev .venv/model
	@$(BIN)/python -m pytest -q -n auto

TEXTS = product-docs codebase-chunks pubmedqa jsquad-ja
SETS = $(TEXTS) chunking-spans sec-10q-pdf
QUALITY = .venv/quality.json

bench: .venv/dev .venv/model
	@test -n "$(DATA)" || { echo "Name the labelled sets: make bench DATA=folder (docs/benchmarks.md says which)"; exit 2; }
	@for part in extraction ocr words odd ingest edits chunker embedder imports provider; do $(BIN)/python -m bench.$$part $(DATA) || exit 1; done
	@$(BIN)/footnote eval $(SETS:%=$(DATA)/%) $(TEXTS:%=--foreign $(DATA)/%) --out $(QUALITY)
	@$(BIN)/python -m bench.calibration $(DATA)

bench-engines: .venv/dev
	@$(BIN)/python -m bench.engines
	@$(BIN)/python -m bench.engines --million

soak: .venv/dev
	@$(BIN)/python -m bench.big
	@$(BIN)/python -m bench.access

# atheris has wheels for Linux and some Pythons only; without it the changes are made at random.
.venv/fuzz: .venv/dev requirements/fuzz.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/fuzz.txt \
		|| echo "atheris does not install here: the changes are made at random."
	@touch $@

fuzz: .venv/fuzz
	@$(BIN)/python -m bench.fuzz $(or $(SECONDS),60)

# In an environment of its own, as it has needs of its own.
.venv/schema/made: requirements/schema.txt
	@$(PYTHON) -m venv .venv/schema
	@.venv/schema/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/schema.txt
	@touch $@

schema: .venv/dev .venv/schema/made
	@SCHEMATHESIS=$(CURDIR)/.venv/schema/bin/schemathesis $(BIN)/python -m bench.schema

# An environment of its own: SAM's translator wants an older pydantic than the HTTP door has.
.venv/check/made: requirements/check.txt
	@test -n "$(PYTHON)" || { echo "Footnote needs Python 3.11 or newer; none of python3.13, python3.12, python3.11, python3 is."; exit 2; }
	@echo "Adding the tools of the template (once) …"
	@$(PYTHON) -m venv .venv/check
	@.venv/check/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/check.txt
	@touch $@

# Without tesseract, which reads the scanned page where it is installed, and on one day, all machines ask the same.
GOLDEN = FOOTNOTE_OCR=off $(BIN)/footnote eval tests/golden/sample_docs.jsonl --documents sample_docs --as-of 2026-12-01

check: .venv/dev .venv/check/made .venv/model
	@$(BIN)/ruff format --check --quiet $(SRC)
	@$(BIN)/ruff check --quiet $(SRC)
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py
	@$(GOLDEN) --against tests/golden/baseline.json --margin .02 --alpha 1
	@.venv/check/bin/python -m pytest -q tests/template

baseline: .venv/model
	@$(GOLDEN) --out tests/golden/baseline.json

serve: .venv/model
	@$(BIN)/footnote serve

.venv/services: .venv/dev requirements/services.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/services.txt
	@touch $@

services: .venv/services
	@$(BIN)/python -m tests.services start

bench-services: services .venv/model
	@for part in opensearch aws; do $(BIN)/python -m bench.$$part || exit 1; done

services-status services-stop: services-%: .venv/services
	@$(BIN)/python -m tests.services $*

clean:
	rm -rf .venv footnote-data
