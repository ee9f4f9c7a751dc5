# Two commands set everything up and do their work:
#   make demo   runs the two-layer net and the GAN in both modes, compares them and says where the pictures are
#   make test   passes the tests
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= test,fast
OUT ?= out
STEPS ?= 200

BIN := $(VENV)/bin
READY = $(VENV)/ready-$(subst $(comma),-,$(EXTRAS))
comma := ,

.PHONY: demo test setup lint coverage mutants pictures clean

demo: $(READY)
	$(BIN)/diptych compare demos/two_layer.py --steps $(STEPS) --out $(OUT)/two_layer
	$(BIN)/diptych compare demos/gan.py --steps $(STEPS) --out $(OUT)/gan

test: $(READY)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

setup: $(READY)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

coverage: $(READY)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m tests.discipline coverage

mutants: $(READY)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m tests.discipline mutants

pictures: $(READY)
	$(BIN)/diptych draw demos/two_layer.py --out docs/pictures --format png --view joined --update
	$(BIN)/diptych draw demos/recurrent_scan.py --mode static --out docs/pictures --format png --view forward --unroll 2

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Diptych needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	@touch $(READY)

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info
