# Every target works on a machine with Go, git and Python 3; what else a test
# needs it installs or starts by itself, or says what it lacked.

GO      ?= go
BIN     := bin/drbot
# -p 2: two cores are what CI has, and the race detector doubles the memory.
TEST    := $(GO) tool gotestsum --format pkgname-and-test-fails --

.PHONY: build test check demo sabotage fmt lint vuln docker-lint image clean

build: ## the program
	$(GO) build -trimpath -o $(BIN) ./cmd/drbot

test: ## everything that needs no provider, with the race detector
	$(TEST) -race -p 2 -timeout 9m ./...

demo: build ## a whole failover and the way back, in a world of its own
	$(BIN) sandbox --auto

sabotage: build ## break one thing after the other; each must be found
	$(BIN) sandbox sabotage

check: fmt lint test vuln ## what CI runs first

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }

lint: docker-lint
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

docker-lint:
	@scripts/lint-dockerfile Dockerfile

image:
	docker build -t drbot .

vuln:
	@scripts/vulncheck

clean:
	rm -rf bin
