# What people do here. `make help` lists it.

SWIFT ?= swift
SCENARIO ?= Scenarios/beyond-round-robin.yaml
SOURCES = Package.swift Sources Tests Benchmarks/policies

.PHONY: help pages notebooks trust bench-sweep demo demo-proxy build proxy test test-core bench bench-long bench-policies bench-proxies validation robustness observability \
	soak clients sticky engines lint format results clean dependencies
.DEFAULT_GOAL := help

help: ## Shows this list
	@echo "Weir: a wind tunnel for service-mesh load balancing"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dependencies:
	@Scripts/install-dependencies

demo: dependencies ## Builds weir, runs the flagship scenario and shows its table
	@echo "Building weir in release mode (a few minutes the first time) ..."
	@$(SWIFT) build -c release --product weir
	@echo
	@"$$($(SWIFT) build -c release --show-bin-path)/weir" run $(SCENARIO)

demo-proxy: proxy ## Runs the real proxy before two servers, kills one, and shows the live numbers
	@SWIFT="$(SWIFT)" Scripts/demo-proxy

build: dependencies ## Builds weir in release mode
	@$(SWIFT) build -c release --product weir

proxy: build ## Builds weir and weir-proxy in release mode
	@$(SWIFT) build -c release --product weir-proxy

# What runs on real sockets and clocks comes by itself: beside tests that take every processor it would measure them.
test: dependencies ## Runs all tests
	@$(SWIFT) test --skip '^(ProxyTests|TestbedTests)\.'
	@$(SWIFT) test --no-parallel --filter '^(ProxyTests|TestbedTests)\.'

test-core: ## Builds and tests the decision core alone, without GSL
	@WEIR_CORE=1 $(SWIFT) test --scratch-path .build/core

bench: build ## Measures speed, memory and allocations beside reference programs (RECORD=1 keeps the figures)
	@python3 Benchmarks/bench.py $(if $(RECORD),--record)

bench-long: build ## The same, with 100 million requests for the memory's peak
	@python3 Benchmarks/bench.py --long $(if $(RECORD),--record)

bench-policies: dependencies ## Times table rebuilds beside plain C++ and a request of every policy (RECORD=1 keeps the figures)
	@python3 Benchmarks/bench_policies.py $(if $(RECORD),--record)

trust: build ## Measures how often intervals cover the truth, and what common random numbers save (RECORD=1 keeps the figures)
	@python3 Benchmarks/trust.py --weir "$$($(SWIFT) build -c release --show-bin-path)/weir" $(if $(RECORD),--record)

bench-sweep: build ## Sweeps a thousand million requests, killed and resumed, and in shards (RECORD=1 keeps the figures)
	@python3 Benchmarks/sweep.py --weir "$$($(SWIFT) build -c release --show-bin-path)/weir" $(if $(RECORD),--record)

validation: build ## Runs every validation scenario in both worlds, at full length, and some through Envoy (about 75 minutes; keeps the figures)
	@python3 Benchmarks/validate.py $(if $(QUICK),--quick) $(if $(PROXY),--proxy $(PROXY))

bench-proxies: proxy ## Measures what a request costs beside Envoy, HAProxy and nginx (RECORD=1 keeps the figures)
	@python3 Benchmarks/bench_proxies.py --proxy "$$($(SWIFT) build -c release --show-bin-path)/weir-proxy" $(if $(RECORD),--record)

robustness: proxy ## Does what unfriendly clients and servers do to the real proxy (needs Python 3.11)
	@python3 Benchmarks/robustness/robustness.py --proxy "$$($(SWIFT) build -c release --show-bin-path)/weir-proxy"

soak: proxy ## The same for 30 minutes (MINUTES=n for others): memory and descriptors must stay flat
	@python3 Benchmarks/robustness/robustness.py --proxy "$$($(SWIFT) build -c release --show-bin-path)/weir-proxy" --minutes $(or $(MINUTES),30) soak

observability: proxy ## Holds the real proxy's metrics, traces, dashboard and page against the programs that read them (needs Python 3.11)
	@python3 Benchmarks/robustness/observability.py --proxy "$$($(SWIFT) build -c release --show-bin-path)/weir-proxy"

clients: proxy ## Has curl, wrk, h2load and Python's clients go through the real proxy
	@python3 Benchmarks/robustness/clients.py --proxy "$$($(SWIFT) build -c release --show-bin-path)/weir-proxy"

sticky: proxy ## Holds hash policies and sessions of the real proxy against a real Envoy (WEIR_ENVOY, or on the path)
	@python3 Benchmarks/robustness/sticky.py --proxy "$$($(SWIFT) build -c release --show-bin-path)/weir-proxy"

engines: build ## Hands a sweep to a real Slurm and its Job to the real kubectl (needs both, Python 3.11 and root)
	@python3 Benchmarks/robustness/engines.py --weir "$$($(SWIFT) build -c release --show-bin-path)/weir"

lint: ## Checks the format of the sources and the syntax of the scripts
	@$(SWIFT) format lint --strict --recursive --configuration .swift-format $(SOURCES)
	@sh -n Scripts/install-dependencies && bash -n Scripts/demo-proxy && bash -n .ci/run
	@if command -v python3 >/dev/null; then python3 -c 'import ast; [ast.parse(open(f"Benchmarks/{name}.py").read()) for name in ("bench", "bench_policies", "bench_proxies", "proxy_profile", "robustness/robustness", "robustness/clients", "robustness/sticky", "robustness/observability", "robustness/engines", "validate", "trust", "sweep", "report_in_chromium")]'; fi
	@if command -v python3 >/dev/null; then python3 -c 'import ast; [ast.parse(open(f).read()) for f in ("Scripts/reproductions", "Scripts/datasets", ".ci/notebooks")]'; fi
	@echo "lint: clean"

format: ## Formats the sources in place
	@$(SWIFT) format --in-place --recursive --configuration .swift-format $(SOURCES)

results: build ## Runs the project's scenarios again and judges what they expect; git diff then shows what changed
	@"$$($(SWIFT) build -c release --show-bin-path)/weir" check --update Scenarios

pages: ## Makes the page of published results and the data sets anew from the results
	@Scripts/reproductions && Scripts/datasets

notebooks: ## Validates notebooks-data and runs its notebooks
	@.ci/notebooks

clean: ## Removes what was built
	@rm -rf .build
