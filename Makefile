# Vigie: everything a contributor runs. `make` lists it.

CARGO ?= cargo
FUZZ_SECONDS ?= 60

# npm writes this file last: it is there when the packages are.
DATA := config/data/node_modules/.package-lock.json
CLIENTS := clients/node_modules/.package-lock.json

# What the engine serves to browsers, and the SDK as others get it; built from its sources all three.
WEB := clients/widget/dist/widget.js clients/desk/dist/index.html
SDK := clients/sdk/dist/index.js
sources = $(shell find clients/$(1) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/docs/*') \
	clients/tsconfig.base.json $(CLIENTS)
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --prefix
# Tests of clients run the real engine, as the tests of the engine have built it: `cargo build` would build
# it a second time, with other features of its packages.
ENGINE = test -n "$$VIGIE_BIN" || $(CARGO) test --workspace --test terminal --test runs --no-run
need_npm = command -v npm >/dev/null || { echo "make: npm is needed to $(1); install Node.js 20 or later" >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup web build run test lint test-engine test-cluster test-web test-browser screenshots cost bench fuzz

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(DATA) ## Fetch the data files: countries of addresses, rules for User-Agents

$(DATA): config/data/package.json config/data/package-lock.json
	@$(call need_npm,fetch data files)
	@echo "Fetching data files …"
	$(NPM_CI) config/data
	@touch $@

web: $(WEB) ## Build what browsers are served: the widget and the desk

$(CLIENTS): clients/package-lock.json clients/package.json clients/sdk/package.json clients/widget/package.json clients/desk/package.json
	@$(call need_npm,build the widget and the desk)
	$(NPM_CI) clients
	@touch $@

$(SDK): $(call sources,sdk)
	npm run build --prefix clients --workspace sdk
	@touch $@

clients/widget/dist/widget.js: $(call sources,sdk) $(call sources,widget)
	npm run build --prefix clients --workspace widget
	@touch $@

clients/desk/dist/index.html: $(call sources,sdk) $(call sources,desk)
	npm run build --prefix clients --workspace desk
	@touch $@

# The widget and the desk are within the program; cargo does not see that files are new there.
build: web ## Build the optimised program, target/release/vigie
	@for file in $(WEB); do test target/release/vigie -nt $$file || touch src/gateway/http/web/file.rs; done
	@test -x target/release/vigie || echo "Building the engine; the first time takes some minutes …"
	$(CARGO) build --release --bin vigie

run: setup build ## Start the engine with the demo shop
	target/release/vigie serve --demo

test: lint test-engine test-cluster test-web test-browser ## Everything that must pass before a change is merged

lint: ## Formatting, lints, and the pure room without its default features
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --workspace --test cluster -- -D warnings
	$(CARGO) check --lib --no-default-features

test-engine: setup ## All tests of the engine, the protocol and the Rust client
	$(CARGO) test --workspace

test-cluster: setup ## The stories on three nodes over a Redis of their own, and the faults of a cluster
	VIGIE_CLUSTER=3 $(CARGO) test --workspace --test stories --test terminal
	$(CARGO) test --workspace --test cluster

test-web: setup $(SDK) $(WEB) ## Formatting, types, unit tests and sizes of the SDK, the widget and the desk
	$(ENGINE)
	npm run check --prefix clients
	npm test --prefix clients
	npm run size --prefix clients --workspaces --if-present

test-browser: setup $(WEB) ## The engine, the widget and the desk together in a real browser
	tests/browser/setup.sh
	$(ENGINE)
	cd tests/browser && ../../clients/node_modules/.bin/biome ci . && npm run check && npm test

screenshots: setup $(WEB) ## Take the pictures that README.md shows, into tests/browser/screenshots
	tests/browser/setup.sh
	$(ENGINE)
	cd tests/browser && VIGIE_SCREENSHOTS=1 npm test

cost: build ## Say what a message costs on SQLite and on Redis (COST='--rounds 5 --rate 300')
	$(CARGO) bench -p vigie-load --bench cost -- $(COST)

bench: build ## Compare the engine with its limit and with what others use (BENCH='--quick')
	load/peers/setup.sh
	$(CARGO) build --release -p vigie-load-peers
	$(CARGO) bench -p vigie-load --bench compare -- $(BENCH)

fuzz: ## Feed each decoder random input for FUZZ_SECONDS (needs cargo-fuzz and a nightly toolchain)
	@command -v cargo-fuzz >/dev/null || { echo "make: cargo-fuzz is needed: cargo install cargo-fuzz" >&2; exit 1; }
	for target in scanner messagepack json event; do \
		mkdir -p protocol/fuzz/target/found/$$target && \
		$(CARGO) +nightly fuzz run --fuzz-dir protocol/fuzz $$target \
			protocol/fuzz/target/found/$$target protocol/fuzz/corpus/$$target \
			-- -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=1024 -max_len=8192 || exit 1; \
	done
