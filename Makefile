# SPDX-License-Identifier: Apache-2.0
# A thin front for meson: every target does what it needs by itself, on a fresh Debian 12 too.
.PHONY: help deps packages idp build demo check unit integration lint asan fuzz bench counts clean

MESON_BUILD = build
PYTEST = /usr/bin/python3 -m pytest

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

deps: packages idp ## installs what is missing, by apt and npm; says what

packages:
	@tools/deps

idp:
	@tools/deps idp

$(MESON_BUILD)/build.ninja:
	meson setup $(MESON_BUILD) >/dev/null

build: packages $(MESON_BUILD)/build.ninja ## the five programs, in build/bin
	@ninja -C $(MESON_BUILD) --quiet
	@tools/link-programs $(MESON_BUILD)

demo: build ## the main job, with real processes; KEEP=1 leaves it running
	@/usr/bin/python3 tools/demo $(if $(KEEP),--keep)

check: build idp ## all tests; ends with "N passed, N failed"
	@tools/check $(MESON_BUILD)

unit: build ## unit tests alone
	@meson test -C $(MESON_BUILD) --no-rebuild --print-errorlogs

integration: build idp ## tests with the real programs alone
	@$(PYTEST) -q tests/integration

lint: build ## layers, sizes, banned calls, formatting, and a build with clang
	@tools/lint --clang

asan: packages idp ## all tests with address and undefined-behaviour sanitizers
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-asan --quiet
	@tools/link-programs build-asan
	@tools/check build-asan

fuzz: ## each fuzz target of tests/fuzz for FUZZ_SECONDS (20)
	@tools/deps fuzz
	@test -f build-fuzz/build.ninja || CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-fuzz --quiet fuzz
	@tests/fuzz/run build-fuzz

bench: build ## requests and handshakes beside nginx and HAProxy, as ratios
	@tools/deps bench
	@/usr/bin/python3 tests/bench/bench.py $(if $(QUICK),--quick)

counts: build ## instructions per request and handshake, by library and folder of src/
	@tools/deps bench
	@/usr/bin/python3 tests/bench/counts.py

clean:
	rm -rf build build-asan build-clang build-fuzz
