# Vigie: everything a contributor runs. `make` lists it.

CARGO ?= cargo
FUZZ_SECONDS ?= 60

# npm writes this file last: it is there when the data is.
DATA := config/data/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help setup build run test lint test-engine fuzz

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DATA) ## Fetch the data files: countries of addresses, rules for User-Agents

$(DATA): config/data/package.json config/data/package-lock.json
	@command -v npm >/dev/null || { echo "make: npm is needed to fetch data files; install Node.js 20 or later" >&2; exit 1; }
	@echo "Fetching data files …"
	npm ci --ignore-scripts --no-audit --no-fund --prefix config/data
	@touch $@

build: ## Build the optimised program, target/release/vigie
	@test -x target/release/vigie || echo "Building the engine; the first time takes some minutes …"
	$(CARGO) build --release --bin vigie

run: setup build ## Start the engine with the demo shop
	target/release/vigie serve --demo

test: lint test-engine ## Everything that must pass before a change is merged

lint: ## Formatting, lints, and the pure room without its default features
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) check --lib --no-default-features

test-engine: setup ## All tests of the engine, the protocol and the clients
	$(CARGO) test --workspace

fuzz: ## Feed each decoder random input for FUZZ_SECONDS (needs cargo-fuzz and a nightly toolchain)
	@command -v cargo-fuzz >/dev/null || { echo "make: cargo-fuzz is needed: cargo install cargo-fuzz" >&2; exit 1; }
	for target in scanner messagepack json event; do \
		mkdir -p protocol/fuzz/target/found/$$target && \
		$(CARGO) +nightly fuzz run --fuzz-dir protocol/fuzz $$target \
			protocol/fuzz/target/found/$$target protocol/fuzz/corpus/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=1024 -max_len=8192 || exit 1; \
	done
