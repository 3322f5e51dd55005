# Tools are pinned here and nowhere else.
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v $${CC:-cc}),-race)

.PHONY: test clients js shots providers matrix lint fuzz bench load million chaos abuse build

# All tests. What a test needs besides Go (chromium, node, curl) is used if it is there, and the test says so if not.
test: clients
	go test $(RACE) -timeout 10m ./...

# The npm packages that tests need: clients nobody here wrote, React, TypeScript.
clients:
	@if command -v npm >/dev/null; then \
		for dir in integration/testdata/npm integration/official/testdata/npm transport/client/js transport/client/examples/react; do \
			( cd $$dir && { [ package-lock.json -ot node_modules/.package-lock.json ] || npm ci --no-audit --no-fund; } ) || exit 1; \
		done; \
	else echo "npm is not installed: tests that need it are skipped"; fi

# The browser client's dist folder, from its TypeScript. A test holds that it is fresh.
js: clients
	cd transport/client/js && rm -f dist/*.d.ts && npx tsc && go run ./bundle/make

# The README's pictures of the demo shop.
shots:
	TILLBELL_SHOTS=$(CURDIR)/docs/images go test -count=1 -run TestShots ./transport/demo

# The tables of providers in the READMEs and in docs/providers.md, from what the adapters say of themselves.
providers:
	TILLBELL_WRITE_DOCS=1 go test -count=1 -run 'TestProviders$$' ./integration

# The client in Chromium behind every kind of proxy, in every state that a page gets into: some seven minutes, with QUICK=1
# one. FLAGS are those of integration/matrix.
matrix:
	go run ./integration/matrix $(if $(QUICK),-quick) $(FLAGS)

lint:
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go mod tidy -diff
	go run $(GOLANGCI_LINT) run

# Every fuzz target, FUZZTIME each.
FUZZTIME ?= 1m
fuzz:
	@for pkg in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "== $$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg || exit 1; \
		done; \
	done

bench:
	go test -run '^$$' -bench . -benchmem ./...

# The whole program beside Nchan and net/http, on Linux: everything in some thirteen minutes, with QUICK=1 in two. N=1000000
# holds as many waiters in one process and measures nothing else. FLAGS are those of integration/load.
load:
	go run ./integration/load $(if $(QUICK),-quick) $(if $(N),-n $(N)) $(FLAGS)

# A million waits in one process, over connections without a kernel: where a process may have 20,000 descriptors.
million:
	go run ./integration/load/million -n $(or $(N),1000000) $(FLAGS)

# Whole processes under load, killed, paused, parted and starved, on Linux, as root where a fault needs it: half an hour of
# faults in about an hour, with QUICK=1 one minute. FLAGS are those of integration/chaos.
chaos:
	go run ./integration/chaos $(if $(QUICK),-quick) $(FLAGS)

# Strangers who know everything but the keys post to every provider at full speed: some three minutes, with QUICK=1 one.
# FLAGS are those of integration/abuse.
abuse:
	go run ./integration/abuse $(if $(QUICK),-quick) $(FLAGS)

build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/tillbell .
