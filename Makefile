# Marain. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL:

# The window's build tags: no debugging, the production page, WebKitGTK 4.1.
TAGS := desktop,production,webkit2_41
VERSION := $(shell scripts/version)
LDFLAGS := -s -w -X main.version=$(VERSION)
# Version control is asked once, above, and may be absent: Go need not ask again.
GOBUILD := go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

MARAIN := build/bin/marain
HEADLESS := build/bin/marain-headless
MODULES := frontend/node_modules/.installed
PAGE := frontend/dist/index.html

# Everything that ends up in the binary; a second build without a change does nothing.
GOFILES := $(shell find . -path ./frontend/node_modules -prune -o -path ./tools -prune -o \
	\( -name '*.go' -o -name '*.sql' -o -name '*.json' -path './backend/*' \) ! -name '*_test.go' -type f -print)
SAMPLE := $(wildcard schemas/* config/* .env.example)
PAGEFILES := $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist -prune -o \
	-path frontend/test-results -prune -o -type f -print)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: run
run: setup $(MARAIN) ## build what changed and open the window on the sample project
	@scripts/run

.PHONY: test
test: setup-test $(MARAIN) $(HEADLESS) ## run every test: Go, page, browser, window; one summary at the end
	@go run ./tests/suite

.PHONY: test-long
test-long: ## hours: 2,000 random sequences, two engines with 200 applies each; on SQLite and PostgreSQL
	@go run ./tests/suite long

.PHONY: build
build: setup $(MARAIN) ## build/bin/marain, with the window

.PHONY: headless
headless: $(HEADLESS) ## build/bin/marain-headless: serve and the commands; needs no C compiler

.PHONY: check
check: setup ## format, vet, lint, generated code
	@scripts/check

.PHONY: e2e
e2e: setup-test $(MARAIN) $(HEADLESS) ## the page in a real Chromium, and the real window
	@go run ./tests/suite browser window

.PHONY: window-test
window-test: setup-test $(MARAIN) $(HEADLESS) ## the real window, driven through the accessibility tree
	@go run ./tests/suite window

.PHONY: screenshots
screenshots: setup-test $(MARAIN) $(HEADLESS) ## photograph every view in both themes into build/screenshots and docs/images
	@scripts/screenshots

.PHONY: bench
bench: ## how fast a saved file becomes visible and live
	go test -run '^$$' -bench 'Floor|Save' -benchtime 50x ./tests/bench

.PHONY: bench-rows
bench-rows: ## changes of a table with a million rows (MARAIN_ROWS), on SQLite and PostgreSQL
	go test -run '^$$' -bench Rows -benchtime 3x -timeout 30m ./tests/bench

.PHONY: corpus
corpus: ## how often the verdict on a change is right, on SQLite and PostgreSQL, beside grading by the text alone
	@go test -count 1 -run Corpus -v ./tests/corpus | { grep -Ev '^ *(===|---) |^(PASS|ok)' || true; }

.PHONY: format
format: ## rewrite Go files the way `make check` wants them
	@scripts/check --write

.PHONY: clean
clean: ## remove what was built; the sample's working copy stays
	rm -rf build/bin build/cache build/logs build/screenshots frontend/dist/assets $(PAGE) $(MODULES)

.PHONY: setup
setup:
	@scripts/setup run

.PHONY: setup-test
setup-test:
	@scripts/setup test

$(MODULES): frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(PAGE): $(MODULES) $(PAGEFILES)
	cd frontend && npm run --silent build
	@touch $@

$(MARAIN): $(PAGE) $(GOFILES) $(SAMPLE) go.mod go.sum
	$(GOBUILD) -tags $(TAGS) -o $@ .

$(HEADLESS): $(PAGE) $(GOFILES) go.mod go.sum
	CGO_ENABLED=0 $(GOBUILD) -tags headless -o $@ .
