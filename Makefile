# `make` lists what there is.
# Named, as make 3.81, which macOS has, else runs plain lines without a shell and looks for programs on its own PATH.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# The first Python that can make a virtual environment (Debian's needs python3-venv). The study is measured with 3.11.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c \
    'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { command -v $$p; break; }; done)
# Which torch: PyPI's, which brings 2.7 GB of CUDA on Linux, or the one without CUDA in PyTorch's own index.
TORCH ?= $(if $(wildcard /proc/driver/nvidia)$(shell command -v nvidia-smi)$(filter-out Linux,$(shell uname -s)),cuda,cpu)
TORCH_INDEX := https://download.pytorch.org/whl/cpu
TORCH_THERE = $(if $(wildcard $(VENV)/lib/python*/site-packages/torch-*+cpu.dist-info),cpu,cuda)
CHROMIUM := $(shell command -v chromium || command -v google-chrome)
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
AUDIT := .cache/audit
# A module's tests stay in one worker, as they share what they prepared; long modules start first. A third worker gains
# nothing on two cores.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help study try recipes recipe ablation test cluster-test bench check lint audit format types quick nightly flow server worker mlflow compare plots constraints clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

study: in-git $(VENV)/installed  ## run the whole study and print its results
	dvc repro
	@python -m pipeline.report
	-@python -m pipeline.record wait

try: $(VENV)/installed  ## a page on this machine: drop a photo on it, or use the camera
	python -m pipeline.predict.page

recipes: in-git $(VENV)/installed  ## run every configuration in recipes/ as a DVC experiment (days on real faces, without a GPU)
	python -m pipeline.experiments all
	-@python -m pipeline.record wait

recipe: in-git $(VENV)/installed  ## run one of them: make recipe NAME=r1
	python -m pipeline.experiments run $(or $(NAME),$(error say which: make recipe NAME=r1; there are: $(basename $(notdir $(wildcard recipes/*.yaml)))))
	-@python -m pipeline.record wait

ablation: in-git $(VENV)/installed  ## run grids/ablation.yaml, 27 small experiments, and print its table
	python -m pipeline.experiments grid ablation
	-@python -m pipeline.record wait

test: $(VENV)/installed-for-tests  ## run all tests but those of `make nightly` and `make cluster-test` (minutes)
	python -m pytest $(WORKERS)

quick: $(VENV)/installed-for-tests  ## run the tests that take seconds
	python -m pytest $(WORKERS) -m "not study and not cluster and not nightly"

nightly: $(VENV)/installed-for-tests  ## run what takes long, such as every recipe
	python -m pytest -m nightly

cluster-test: $(VENV)/installed-for-tests  ## a grid over two hosts on this machine, with PostgreSQL and S3 (needs root for apt)
	$(INSTALL) --editable '.[cluster,cluster-test]'
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq postgresql iproute2 >/dev/null; service postgresql stop >/dev/null; }
	python -m pytest -m cluster -s tests/flows/test_cluster.py

bench: $(VENV)/installed-for-tests  ## measure everything in short, against peers and limits (15 minutes; nothing else should run)
	python benchmarks/bench.py $(FACES)

check: lint types quick  ## everything to run before a commit

lint: $(VENV)/installed-for-tests  ## style, docstrings, security
	ruff check .
	ruff format --check .

audit: $(VENV)/installed-for-tests  ## known weaknesses of the pinned packages (asks pypi.org), and of the code
	ruff check --select S .
	@$(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit \
	    || { echo 'audit: pip-audit cannot be installed: no package index is reached from here'; exit 1; }
	@# Strict: a package that is not found there counts as not audited instead of as safe.
	@$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement constraints.txt >$(AUDIT)/said 2>&1 \
	    && tail -n 1 $(AUDIT)/said || { \
	    if grep -qE 'ConnectionError|ServiceError|could not be audited|Timeout|HTTPError' $(AUDIT)/said; \
	    then echo "audit: constraints.txt was NOT audited: pypi.org tells nothing from here ($$(tail -n 1 $(AUDIT)/said | cut -c1-120)); run it where there is internet"; \
	    else cat $(AUDIT)/said; fi; exit 1; }

format: $(VENV)/installed-for-tests  ## mend what ruff can mend
	ruff check --fix .
	ruff format .

types: $(VENV)/installed-for-tests  ## check the type hints
	mypy

flow: in-git $(VENV)/installed  ## run the study as a Prefect flow
	python -m flows.study

server: $(VENV)/installed  ## start Prefect's and MLflow's servers here: http://127.0.0.1:4200 and :5000
	python -m flows.servers

worker: $(VENV)/installed  ## work for them: pools and deployments from files, then run what is asked for
	python -m flows.worker

mlflow: in-git $(VENV)/installed  ## show the record in a browser, at http://127.0.0.1:5000
	mlflow ui --host 127.0.0.1

compare: $(VENV)/installed  ## one row an experiment: what was changed and what came of it
	COLUMNS=$${COLUMNS:-220} python -m pipeline.experiments show

plots: $(VENV)/installed  ## DVC's page of curves, confusion and pictures, against the last commit
	dvc plots diff --out .cache/plots

constraints: $(VENV)/installed  ## freeze the versions that are installed now, with the newest of what is not
	$(PIP) install --quiet --editable '.[dev,browser,cluster,cluster-test,onnx,peers]'
	@set -o pipefail; { sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --exclude-editable \
	    | grep -vE '^(nvidia|triton|cuda)' | sed 's,+cpu,,'; } > constraints.part && mv constraints.part constraints.txt

clean:  ## remove what the study made, record and results of experiments too; your faces in data/raw stay
	git clean -fdXq artifacts
	rm -rf data/sample data/faces data/*.parquet .dvc/cache .dvc/tmp .cache
	rm -rf explained .checkpoints .record mlruns mlflow.db* report/report.html

.PHONY: in-git
in-git:
	@command -v git >/dev/null || { echo 'git is not installed, and DVC needs it: install git first'; exit 1; }
	@# What git itself says is right for a folder of another owner, and `git init` would be wrong there.
	@git rev-parse --git-dir >/dev/null || { test -e .git || echo 'DVC works in git repositories only, and this folder is none: say `git init` first'; exit 1; }

$(VENV)/installed: pyproject.toml constraints.txt  # what the study needs
	$(if $(filter cpu cuda,$(TORCH)),,$(error TORCH is '$(TORCH)': allowed are cpu and cuda, as in `make study TORCH=cuda`))
	@$(or $(PYTHON),$(error no Python 3.11, 3.12 or 3.13 that can make a virtual environment is found: install one (on Debian python3-venv with it), or name it: `make study PYTHON=/path/to/python3.12`)) -m venv $(VENV)
	@$(if $(filter-out $(TORCH_THERE),$(TORCH)),$(TORCH_$(TORCH)))
	$(INSTALL) --editable .
	@touch $@

# The index is asked once and briefly, so that where it is not reached nobody waits; what it has is fetched patiently.
define TORCH_cpu
version=$$(sed -n 's/^torch==//p' constraints.txt)+cpu; \
if $(PIP) index versions --retries 0 --timeout 5 --index-url $(TORCH_INDEX) torch 2>&1 | grep -qF "$$version"; \
then $(INSTALL) --retries 3 --timeout 15 --no-deps --index-url $(TORCH_INDEX) "torch==$$version"; \
else echo "torch $$version is not had from $(TORCH_INDEX): pip takes its usual torch, from PyPI with 2.7 GB of CUDA on Linux"; fi
endef

# pip would take the build without CUDA for the version that is asked for, and leave it.
TORCH_cuda = $(PIP) uninstall --quiet --yes torch

# A build that is asked for by name and not there takes the other one's place.
ifneq ($(filter command environment,$(firstword $(origin TORCH))),)
$(VENV)/installed: $(if $(filter-out $(TORCH_THERE),$(TORCH)),other-torch)
endif
.PHONY: other-torch

$(VENV)/installed-for-tests: $(VENV)/installed $(if $(CHROMIUM),$(VENV)/installed-for-browser)  # and what tests and style need
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/installed-for-browser: $(VENV)/installed  # and what drives the Chromium that is on this machine
	$(INSTALL) --editable '.[browser]'
	@touch $@
