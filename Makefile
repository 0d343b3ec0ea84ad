# The menu: `make help`. Every target does one thing, can be repeated, and works from a fresh checkout as root on Debian 12 or
# later. What is expensive lives in $WEFT_CACHE (~/.cache/weft), outside the checkout; logs in build/log.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export WEFT_CACHE ?= $(HOME)/.cache/weft
export WEFT_STARTED ?= $(shell date +%s)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

STAGE := tools/stage
PLAY := ansible-playbook
LINK := .ansible/collections/ansible_collections/weft/ovn
PYTEST := pytest
# LAB=name: a lab beside others on this machine; every target and playbook of the lab then means that one.
export LAB ?=
# KUBERNETES=1: the lab has a Kubernetes API, and the fabric its objects from there (docs/kubernetes.md).
export KUBERNETES ?= 0
SITE := $(if $(filter 1 yes true,$(KUBERNETES)),playbooks/lab_kubernetes.yml,playbooks/site.yml)

##@ Start here

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: lab
lab: ## All set-up on a fresh machine: tools, hosts, fabric, examples, who reaches whom (KUBERNETES=1: by kubectl, LAB=name: one more)
	@$(STAGE) "Packages of this machine" deps -- tools/deps
	@$(STAGE) "Virtual environment" venv -- $(MAKE) --no-print-directory venv
	@$(STAGE) "The services and all they need" wheel -- $(MAKE) --no-print-directory wheel
	@$(STAGE) "Root filesystem of the lab's hosts" rootfs -- $(MAKE) --no-print-directory rootfs
	@$(if $(filter-out playbooks/site.yml,$(SITE)),$(STAGE) "Kubernetes' programs" kube-tools -- tools/kube-tools kube-controller-manager kube-scheduler kubelet)
	@$(STAGE) "Lab hosts" lab-hosts -- $(PLAY) playbooks/lab_create.yml
	@$(STAGE) "The fabric on the hosts ($(notdir $(SITE)))" site -- $(PLAY) $(SITE)
	@$(MAKE) --no-print-directory lab-demo

.PHONY: test
test: test-tools ## Unit, integration and lab tests
	$(PYTEST) --numprocesses 2 tests/unit tests/integration tests/manual tests/environment tests/lab

##@ The lab

.PHONY: lab-hosts
lab-hosts: venv rootfs ## The lab's hosts alone, bare; repairs them after a restart
	$(PLAY) playbooks/lab_create.yml

.PHONY: site
site: venv ## The fabric on the lab's hosts (site.yml)
	$(PLAY) $(SITE)

.PHONY: lab-demo
lab-demo: ## Apply docs/examples, start workloads, print who reaches whom
	@.venv/bin/python tools/reach.py

.PHONY: lab-down
lab-down: venv ## Remove the lab's hosts, switch and keys, and those of a second zone
	@test ! -d $(WEFT_CACHE)/labs/zone2$(LAB:%=-%) || $(PLAY) $(ZONE2) playbooks/lab_destroy.yml
	$(PLAY) playbooks/lab_destroy.yml

.PHONY: lab-purge
lab-purge: venv ## Remove the lab with its image and cached root filesystem
	$(PLAY) playbooks/lab_destroy.yml -e lab_remove_images=true

##@ Two zones (docs/interconnect.md)

ZONE1 := -i inventories/zone1
ZONE2 := -i inventories/zone2

.PHONY: zones
zones: venv ## A second fabric beside the lab, on a host of its own, and both joined by OVN-IC
	$(PLAY) $(ZONE2) playbooks/lab_create.yml
	$(PLAY) $(ZONE2) playbooks/site.yml
	$(PLAY) $(ZONE1) playbooks/interconnect.yml
	$(PLAY) $(ZONE2) playbooks/interconnect.yml
	$(PLAY) $(ZONE1) docs/examples/zones/playbook.yml
	$(PLAY) $(ZONE2) docs/examples/zones/playbook.yml

.PHONY: zones-down
zones-down: venv ## Take the zones apart, and remove the second one's host; the lab stays, as it was
	$(PLAY) $(ZONE2) playbooks/remove_interconnect.yml
	$(PLAY) $(ZONE1) playbooks/remove_interconnect.yml -e ovn_interconnect_remove_databases=true
	$(PLAY) $(ZONE2) playbooks/lab_destroy.yml

##@ Emulated metal (docs/metal.md)

METAL := -i inventories/metal

.PHONY: metal
metal: venv ovn-tools ## All tests on virtual machines with emulated NICs (LAB=name: on others)
	$(PYTEST) tests/metal

.PHONY: metal-hosts
metal-hosts: venv ## Two virtual machines alone, bare
	$(PLAY) $(METAL) playbooks/lab_create.yml

.PHONY: metal-down
metal-down: venv ## Remove the virtual machines, their switch and keys
	$(PLAY) $(METAL) playbooks/lab_destroy.yml

##@ What the lab and the tests need

.PHONY: deps
deps: ## Debian packages of the control node
	tools/deps

.PHONY: venv
venv: .venv/.ready $(LINK) ## The virtual environment .venv, pinned by requirements/constraints.txt

.venv/.ready: $(wildcard requirements/*.txt)
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check \
		--requirement requirements/lint.txt --constraint requirements/constraints.txt
	touch $@

# The checkout is the collection: what is edited here is what the playbooks run.
$(LINK):
	mkdir -p $(dir $@)
	ln -sfn ../../../.. $@

.PHONY: rootfs
rootfs: ## Root filesystem of the lab's hosts, with the packages that the roles install
	roles/lab/files/build-rootfs

.PHONY: ovn-tools
ovn-tools: ## OVN 25.03's programs for tests on this machine, in $WEFT_CACHE/ovn-25.03/bin
	tools/ovn-tools

.PHONY: dpdk-tools
dpdk-tools: ## Open vSwitch with DPDK for tests on this machine, in $WEFT_CACHE/ovs-dpdk-<recipe>
	@tools/ovs-dpdk

.PHONY: kube-tools
kube-tools: ## A current Kubernetes API server, kubectl and etcd for tests, in $WEFT_CACHE/kube-<version>/bin
	@tools/kube-tools kube-controller-manager kube-scheduler kubelet

.PHONY: test-tools
test-tools: venv ovn-tools dpdk-tools kube-tools

##@ Tests

.PHONY: test-unit
test-unit: venv ## Unit tests: pure code
	$(PYTEST) tests/unit

.PHONY: test-integration
test-integration: test-tools ## Integration tests: real ovsdb-server and northd, no hosts
	$(PYTEST) tests/integration tests/manual

.PHONY: test-lab
test-lab: venv ## Lab tests: real hosts, real packets
	$(PYTEST) tests/lab

.PHONY: test-operations
test-operations: venv ## All tests of operations (docs/operations), also with Kubernetes, which take an hour; `make test` runs the short ones
	OPERATIONS=all $(PYTEST) -rA tests/lab/operations tests/lab/kubernetes/test_day2.py

.PHONY: test-lab-slow
test-lab-slow: venv ## Lab tests too slow for every change: relays off and on in a running fabric, a zone that leaves others
	WEFT_SLOW=1 $(PYTEST) tests/lab/test_relays.py tests/lab/test_zones.py

.PHONY: test-environment
test-environment: test-tools ## The execution environment's packages in a clean virtual environment, modules from the artefact
	$(PYTEST) tests/environment

.PHONY: test-units
test-units: venv ## Unit tests of modules and plugins once more, as ansible-test runs them
	tools/ansible-test units

.PHONY: molecule
molecule: venv rootfs ## Molecule's scenarios (extensions/molecule), on hosts of a lab of their own
	tools/molecule test --all

.PHONY: bench
bench: test-tools ## Measure against ceilings taken in the same run (BENCH=planner: these only); build/bench.json
	PYTHONPATH=services python -m tests.bench.run $(BENCH)

##@ Linters

.PHONY: lint
lint: lint-ruff lint-types lint-layers lint-generated lint-ansible lint-docs lint-sanity ## All linters

.PHONY: lint-ruff
lint-ruff: venv ## ruff: rules and format of the Python code
	ruff check
	ruff format --check

.PHONY: lint-types
lint-types: venv ## mypy, strict
	mypy

.PHONY: lint-layers
lint-layers: venv ## import-linter: dependencies point downwards
	PYTHONPATH=services lint-imports

.PHONY: lint-ansible
lint-ansible: venv ## yamllint, ansible-lint (production), changelog fragments
	yamllint --strict .
	ansible-lint --strict
	antsibull-changelog lint

.PHONY: lint-docs
lint-docs: venv ## What modules, plugins and roles say of themselves
	antsibull-docs lint-collection-docs --plugin-docs .

.PHONY: lint-sanity
lint-sanity: venv ## ansible-test sanity
	tools/ansible-test sanity

.PHONY: lint-generated
lint-generated: venv ## What `make generate` writes is up to date
	PYTHONPATH=services python -m weft.api.generate --check

.PHONY: generate
generate: venv ## CRDs (roles/crds/files) and reference pages (docs/reference) from the kinds in services/weft/api
	PYTHONPATH=services python -m weft.api.generate

.PHONY: format
format: venv ## Format the Python code
	ruff format
	ruff check --fix

##@ Release

.PHONY: docs
docs: venv ## The documentation as a site, in build/docs/html; a warning is an error
	tools/docs-site

.PHONY: wheel
wheel: venv ## The services' wheel and all it needs, for the hosts' Python (site.yml else does it)
	$(PLAY) playbooks/services_build.yml

.PHONY: build
build: venv ## The collection's artefact, in build/, and that it installs
	rm -f build/weft-ovn-*.tar.gz
	ansible-galaxy collection build --force --output-path build
	ansible-galaxy collection install --force --no-deps --collections-path build/installed build/weft-ovn-*.tar.gz
	cd build && ANSIBLE_COLLECTIONS_PATH=installed ansible-doc --type module weft.ovn.endpoint >/dev/null

.PHONY: release-check
release-check: build docs ## What a release needs beside `make lint` and `make test`: Galaxy's importer, documentation
	tools/galaxy-import build/weft-ovn-*.tar.gz

.PHONY: requirements
requirements: ## Pin the newest versions that requirements/*.txt and the services allow
	python3 -m venv --clear .venv
	.venv/bin/pip install --quiet --requirement requirements/lint.txt
	{ echo "# Every version that the control node's virtual environment has. Written by: make requirements"; \
		.venv/bin/pip freeze; } >requirements/constraints.txt
	touch .venv/.ready
	tools/lock-services

.PHONY: clean
clean: ## Remove build/ and the virtual environment
	rm -rf build .venv .ansible .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
