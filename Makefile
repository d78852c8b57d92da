# The front door for those who like make: short names for Maven's and ft's commands, those of the original project
# where they mean something here. `make` lists them.
#   make train-free TRAIN_ARGS='--set training.max_steps=100'

# What can be changed, as in: make compare SEEDS=5
CONFIG          ?= configs/plan-letters.yaml
BASELINE_CONFIG ?= configs/plan-letters-baseline.yaml
DATA_CONFIG     ?= configs/synthetic.yaml
RUNS            ?= runs
RESULTS         ?= results
PROMPT          ?= K>
RANKS           ?= 2
SEEDS           ?= 3
TRAIN_ARGS      ?=
COMPARE_ARGS    ?=
EVAL_ARGS       ?=
GENERATE_ARGS   ?= --n 4
DEMO_ARGS       ?=
COMPOSE         ?= docker-compose
DOCKER_ARGS     ?= devices
DOCS_PORT       ?= 8000

MVN     := mvn -B -q
SKIP    := -Dmaven.test.skip=true
# A choice of tests, in modules some of which have none of them.
ONLY    := -Dsurefire.failIfNoSpecifiedTests=false
GENERATED := $(RUNS)/data
# Every rank takes a batch, so that a step is as many times as large.
SHARDED := --ranks $(RANKS) --set training.gradient_accumulation_steps=$(RANKS)

.DEFAULT_GOAL := help
.PHONY: help \
  build install quick-start info check-gpu version \
  generate-data generate-data-small \
  train-baseline train-free train-baseline-fsdp train-free-fsdp train-all \
  compare evaluate-baseline evaluate-free generate plans serve demo demo-quick \
  test test-unit test-integration test-comparison test-fast test-slow \
  lint type-check format format-check quality pre-commit ci \
  docs-build docs-serve docs-check \
  check-package release \
  docker-build docker-build-cpu docker-demo docker-interactive docker-run-cpu docker-clean \
  clean clean-checkpoints clean-data clean-results clean-dist docs-clean clean-all

##@ General

help: ## Lists the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z0-9-]*:.*## / { printf "  %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Builds the command line, without tests
	$(MVN) $(SKIP) -pl app -am package

install: ## Puts the library and the command line into the local Maven repository
	$(MVN) $(SKIP) -pl app -am install

quick-start: build demo-quick ## Builds, then shows what plans mean, in about a minute
	@echo "next: make train-baseline, make train-free, make compare"

info: ## Tells version and Java, and what computes here
	./ft --version
	./ft devices

check-gpu: ## Lists the devices, and why GPUs are missing (scripts/check-gpu.sh tries one)
	./ft devices

version: ## Prints the version of the project
	@sed -n 's|^  <version>\(.*\)</version>|\1|p' pom.xml

##@ Data (training needs none of it: presets make their data, or read what is in data/)

generate-data: ## Writes a synthetic set in the original project's format
	./ft data generate --config $(DATA_CONFIG) --out $(GENERATED)/synthetic

generate-data-small: ## Writes a small one
	./ft data generate --config $(DATA_CONFIG) --out $(GENERATED)/synthetic-small \
	  --set model.vocab_size=1000 --set data.synthetic_vocab_size=1000 --set data.synthetic_seq_length=128 \
	  --set data.num_train_samples=1000 --set data.num_val_samples=100

##@ Training

train-baseline: ## Trains the baseline: a decoder without plans
	./ft train --config $(BASELINE_CONFIG) --out $(RUNS)/baseline $(TRAIN_ARGS)

train-free: ## Trains the Free Transformer
	./ft train --config $(CONFIG) --out $(RUNS)/free $(TRAIN_ARGS)

train-baseline-fsdp: ## Trains the baseline, sharded over RANKS ranks
	./ft train --config $(BASELINE_CONFIG) --out $(RUNS)/baseline-fsdp $(SHARDED) $(TRAIN_ARGS)

train-free-fsdp: ## Trains the Free Transformer, sharded over RANKS ranks
	./ft train --config $(CONFIG) --out $(RUNS)/free-fsdp $(SHARDED) $(TRAIN_ARGS)

train-all: train-baseline train-free ## Trains both models, one after the other

##@ Evaluation

compare: ## Trains and compares both models and a deeper baseline, over SEEDS seeds
	./ft compare --config $(CONFIG) --seeds $(SEEDS) --out $(RESULTS)/comparison $(COMPARE_ARGS)

evaluate-baseline: ## Evaluates what train-baseline has trained
	./ft eval --run $(RUNS)/baseline $(EVAL_ARGS)

evaluate-free: ## Evaluates what train-free has trained
	./ft eval --run $(RUNS)/free $(EVAL_ARGS)

generate: ## Writes text after PROMPT with what train-free has trained
	./ft generate --run $(RUNS)/free --prompt '$(PROMPT)' $(GENERATE_ARGS)

plans: ## Shows what the plans of train-free's model mean
	./ft plans --run $(RUNS)/free

serve: ## Serves what train-free has trained: the plan explorer in a browser, and an HTTP API
	./ft serve --run $(RUNS)/free

demo: ## Trains five small models and shows what their plans mean: ten to twenty minutes on two cores
	./ft demo $(DEMO_ARGS)

demo-quick: ## A small version of it, in under a minute
	./ft demo --quick $(DEMO_ARGS)

##@ Tests and quality

test: ## Runs all tests but the slow ones
	$(MVN) test

test-unit: ## Runs the tests of the library modules
	$(MVN) test -pl freetransformer,gpu-kernels -am

test-integration: ## Runs the tests of the command line
	$(MVN) test -pl app -am $(ONLY) -Dtest='org/freetransformer/cli/*Test'

test-comparison: ## Runs the tests of the comparison with the baseline
	$(MVN) test -pl app -am $(ONLY) -Dtest='Compar*Test'

test-fast: ## Runs the tests of tensors and layers
	$(MVN) test -pl nn -am

test-slow: ## Builds everything and runs all tests, the slow ones too
	$(MVN) -Pslow verify

lint: ## Compiles everything; what javac's lint, Error Prone and NullAway find is an error
	$(MVN) test-compile

type-check: lint ## The same: types and nulls are checked by the compiler

format: ## Formats all Java sources
	scripts/format --all

format-check: ## Lists the sources that are not formatted
	scripts/format --check --all

quality: lint format-check ## Compiles with all checks, and checks the format

pre-commit: format lint test-fast ## What to run before a commit

ci: ## What continuous integration runs
	.ci/run

##@ Documentation and release

docs-build: ## Makes the documentation site in target/site, with the library's Javadoc in api; its warnings are errors
	JAVA_HOME="$$(scripts/find-jdk)" $(MVN) $(SKIP) -pl '!app,!bench' package javadoc:aggregate
	scripts/docs-site

docs-check: docs-build ## Makes the site, and fails on dead links in it
	"$$(scripts/find-jdk)/bin/java" docs/site/CheckLinks.java target/site

docs-serve: target/site/index.html ## Serves the site at http://127.0.0.1:8000/ (another DOCS_PORT); Ctrl-C ends it
	"$$(scripts/find-jdk)/bin/jwebserver" -d "$(CURDIR)/target/site" -p $(DOCS_PORT)

target/site/index.html:
	$(MAKE) docs-build

check-package: ## Builds the release twice, demands the same bytes, runs examples and zip; fills target/release
	scripts/check-release

release: ci check-package ## Runs all checks and tests, then makes the release in target/release
	@ls target/release

##@ Docker (COMPOSE='docker compose' where compose is a part of docker)

docker-build: ## Builds the image free-transformer, which computes on the CPU
	docker build -f docker/Dockerfile -t free-transformer .

docker-build-cpu: docker-build ## The same: there is no image for GPUs (docs/development.md says why)

docker-demo: ## Shows the quick demonstration in a container
	$(COMPOSE) up free-transformer-demo

docker-interactive: ## Opens a shell in a container, where ft is a command
	$(COMPOSE) run --rm free-transformer-interactive

docker-run-cpu: ## Runs ft DOCKER_ARGS in a container that keeps its runs
	docker run --rm -v free-transformer-runs:/work/runs free-transformer $(DOCKER_ARGS)

docker-clean: ## Removes containers, volume and image
	$(COMPOSE) down --remove-orphans --volumes
	docker rmi -f free-transformer

##@ Cleaning

clean: ## Removes what was built
	$(MVN) clean
	rm -rf .ft

clean-checkpoints: ## Removes the runs that train-* made
	rm -rf $(RUNS)/baseline $(RUNS)/free $(RUNS)/baseline-fsdp $(RUNS)/free-fsdp

clean-data: ## Removes the sets that generate-data* made
	rm -rf $(GENERATED)

clean-results: ## Removes the comparison that compare made
	rm -rf $(RESULTS)/comparison

clean-dist: ## Removes the release's archives
	rm -rf target/release app/target/free-transformer-*.zip

docs-clean: ## Removes the documentation site and the Javadoc
	rm -rf target/site target/site-source target/reports

clean-all: clean clean-checkpoints clean-data clean-results ## Removes all of that
