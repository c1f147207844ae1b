# SPDX-License-Identifier: Apache-2.0
# A thin front for meson: every target does what it needs by itself, on a fresh Debian 12 or 13.
.PHONY: help deps build install packages demo check unit integration lint tidy asan tsan coverage fuzz bench counts clean

MESON_BUILD = build
prefix = /usr/local
PYTEST = /usr/bin/python3 -m pytest
SANITIZED = -Db_sanitize=address,undefined -Db_lundef=false

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

deps: ## installs what is missing for all of this, by apt and npm; says what
	@tools/deps build check lint tidy coverage fuzz bench packages idp

build: ## the five programs in build/bin, and the unit tests
	@tools/deps build
	@tools/build $(MESON_BUILD)

install: ## programs, units, users, folders, documents: make install DESTDIR=… prefix=/usr
	@tools/deps build
	@tools/build build-install -- -Dtests=false
	@meson configure build-install -Dprefix=$(prefix)
	@DESTDIR=$(DESTDIR) meson install -C build-install --no-rebuild --quiet

packages: ## Debian packages for this release of Debian, in build/packages, with an SBOM
	@tools/deps build packages
	@tools/packages

demo: ## the main job, with real processes; KEEP=1 leaves it running
	@tools/deps build
	@tools/build $(MESON_BUILD) programs
	@/usr/bin/python3 tools/demo $(if $(KEEP),--keep)

check: ## all tests; ends with "N passed, N failed"; JOBS=0: one after the other
	@tools/deps build check idp
	@tools/build $(MESON_BUILD)
	@tools/check $(MESON_BUILD) $(TESTS)

unit: build ## unit tests alone
	@meson test -C $(MESON_BUILD) --no-rebuild --print-errorlogs

integration: ## tests with the real programs alone; TESTS names some of them, here and below
	@tools/deps build check idp
	@tools/build $(MESON_BUILD)
	@$(PYTEST) -q -n $(or $(JOBS),auto) $(or $(TESTS),tests/integration)

lint: build ## layers, sizes, banned calls, formatting, and a build with clang
	@tools/deps lint
	@tools/lint --clang

tidy: build ## clang-tidy, by the checks of .clang-tidy
	@tools/deps tidy
	@tools/tidy $(MESON_BUILD)

asan: ## all tests with address and undefined-behaviour sanitizers
	@tools/deps build check idp
	@tools/build build-asan -- $(SANITIZED)
	@tools/check build-asan $(TESTS)

tsan: ## all tests with the thread sanitizer
	@tools/deps build check idp
	@tools/build build-tsan -- -Db_sanitize=thread -Db_lundef=false
	@tools/check build-tsan $(TESTS)

coverage: ## the lines that the tests run, by folder of src/; TESTS=-: unit tests alone
	@tools/deps build check coverage idp
	@tools/build build-coverage -- -Db_coverage=true -Dbuildtype=debug
	@tools/coverage build-coverage $(TESTS)

fuzz: ## each fuzz target of tests/fuzz for FUZZ_SECONDS (20)
	@tools/deps build fuzz
	@CC=clang tools/build build-fuzz fuzz -- -Dfuzz=true $(SANITIZED)
	@tests/fuzz/run build-fuzz

bench: build ## requests and handshakes beside nginx and HAProxy, as ratios
	@tools/deps bench
	@/usr/bin/python3 tests/bench/bench.py $(if $(QUICK),--quick)

counts: build ## instructions per request and handshake, by library and folder of src/
	@tools/deps bench
	@/usr/bin/python3 tests/bench/counts.py

clean:
	rm -rf build build-asan build-clang build-coverage build-fuzz build-install build-tsan
