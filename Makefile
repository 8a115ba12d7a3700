# `make` or `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
COMPOSE ?= docker compose
# The system's certificates, not uv's own: a company's proxy may sign what passes through it.
UV = .venv/tools/bin/uv --system-certs
# What each environment type-checks.
TYPED_spark = catalog jobs expectations pipelines embedded
TYPED_airflow = dags plugins serving workspace
COMPILE = $(UV) pip compile --quiet --no-header --generate-hashes --python-version 3.11

# These reach what make starts in the environment, so no shell reads what is in them.
export NIGHT SIMULATE SCALE SEED TABLES TARGET ONLY PART ENGINE

.PHONY: help run pipeline stop status password up down deploy doctor setup test test-fast lint lock clean

help: ## List the commands
	@echo "make run NIGHT=2024-03-05 SCALE=0.1 SEED=7 TABLES=readings,sensor_hourly SIMULATE=all"
	@echo "  (each is optional: yesterday, 1, 42, all but the optional ones, what fits the lake)"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Run one night on this machine: set up, start Spark and Airflow, follow the night, say what came of it
	@$(PYTHON) -m embedded preflight
	@$(MAKE) -j3 setup
	@$(PYTHON) -m embedded run

# From its beginning, what streams have read included, with FULL_REFRESH=1.
pipeline: ## Land NIGHT, then run the declarative pipeline on all that has landed; starts Spark if it is not up
	@$(PYTHON) -m embedded preflight --for-pipeline
	@$(MAKE) -j3 setup
	@$(PYTHON) -m embedded pipeline $(if $(FULL_REFRESH),--full-refresh)

stop: ## Stop what `make run` started
	@$(PYTHON) -m embedded stop

status: ## Say how the services of `make run` are
	@$(PYTHON) -m embedded status

password: ## Print the password of the Airflow UI that `make run` started
	@$(PYTHON) -m embedded password

up: ## Start the containers: postgres, Airflow, Spark
	@$(COMPOSE) up -d --wait
	@echo "Airflow: http://127.0.0.1:$${AIRFLOW_PORT:-8080}, user admin, password:"
	@echo "  $(COMPOSE) exec airflow-apiserver cat /secrets/login/passwords.json"

down: ## Stop the containers; the data stays in their volumes
	@$(COMPOSE) down

deploy: .venv/airflow/.stamp .venv/tools/.stamp ## Bring TARGET's Databricks workspace up to this checkout: schemas, volume, wheel
	@.venv/airflow/bin/python -m workspace deploy

doctor: .venv/airflow/.stamp .venv/tools/.stamp ## Check, one line each, what a run on TARGET's Databricks workspace needs
	@.venv/airflow/bin/python -m workspace doctor

setup: .venv/airflow/.stamp .venv/spark/.stamp spark/jars/.stamp ## Make the environments from the hash-locked requirements, fetch the jars

# Random order with RANDOM_ORDER=seed, coverage by package with COVERAGE=1.
RUN_TESTS = $(PYTHON) tests/run.py $(if $(RANDOM_ORDER),--random $(RANDOM_ORDER)) $(if $(COVERAGE),--coverage)

test: ## Run all tests, or one file, folder or test: make test ONLY=tests/spark/gold
	@$(PYTHON) -m embedded preflight --for-tests
	@$(MAKE) -j3 setup tests/support/kafka/jars/.stamp
	@$(RUN_TESTS) $(if $(ONLY),--only "$$ONLY") $(if $(PART),--part "$$PART") $(if $(ENGINE),--engine "$$ENGINE")

test-fast: ## Run the tests that need no Spark server and no stack, in about a minute
	@$(MAKE) -j3 setup
	@$(RUN_TESTS) --fast

lint: .venv/tools/.stamp .venv/airflow/.stamp .venv/spark/.stamp ## ruff, mypy, import-linter
	.venv/tools/bin/ruff check .
	.venv/tools/bin/ruff format --check .
	@MAKEFLAGS= $(MAKE) -j2 mypy-spark mypy-airflow
	.venv/tools/bin/lint-imports

.PHONY: mypy-spark mypy-airflow
mypy-spark mypy-airflow: mypy-%:
	.venv/tools/bin/mypy --strict --cache-dir .mypy_cache/$* --python-executable .venv/$*/bin/python $(TYPED_$*)

lock: .venv/tools/.stamp ## Compile requirements/*.txt anew from pyproject.toml
	$(COMPILE) --group airflow -o requirements/airflow.txt
	$(COMPILE) --group postgres -c requirements/airflow.txt -o requirements/postgres.txt
	$(COMPILE) pyproject.toml --extra iceberg --group spark -o requirements/spark.txt
	$(COMPILE) pyproject.toml --extra iceberg --group client -c requirements/spark.txt -o requirements/client.txt
	$(COMPILE) --group server -c requirements/spark.txt -o requirements/server.txt
	$(COMPILE) --group test -c requirements/airflow.txt -c requirements/spark.txt -o requirements/test.txt
	$(COMPILE) --group peer -o requirements/peer.txt
	$(COMPILE) --group tools -o requirements/tools.txt

clean: ## Stop, then remove environments, jars, state and caches; the lake stays
	@$(PYTHON) -m embedded stop
	rm -rf .run .venv spark/jars tests/support/kafka/jars tests/support/standin/spark/jars .test-results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.venv/tools/.stamp: requirements/tools.txt
	@echo "Installing tools"
	@$(PYTHON) -m venv .venv/tools
	@.venv/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/airflow/.stamp .venv/spark/.stamp: .venv/%/.stamp: requirements/%.txt requirements/test.txt .venv/tools/.stamp
	@echo "Installing the $* environment"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv/$*
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venv/$*/bin/python $< requirements/test.txt
	@touch $@

.venv/peer/.stamp: requirements/peer.txt .venv/tools/.stamp
	@echo "Installing the peer environment"
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv/peer
	@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python .venv/peer/bin/python $<
	@touch $@

spark/jars/.stamp tests/support/kafka/jars/.stamp: %/jars/.stamp: %/jars.sha256 spark/fetch_jars.py .venv/spark/.stamp
	@echo "Fetching the jars of $*"
	@.venv/spark/bin/python spark/fetch_jars.py $< > .venv/$(notdir $*)-jars.log 2>&1 || { tail .venv/$(notdir $*)-jars.log; exit 1; }
	@mkdir -p $(@D) && touch $@
