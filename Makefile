# Every target works on a machine with Go, git and Python 3; what else a test
# needs it installs or starts by itself, or says what it lacked.

GO      ?= go
SANDBOX := bin/drbot-sandbox
# -p 2: two cores are what CI has, and the race detector doubles the memory.
TEST    := $(GO) tool gotestsum --format pkgname-and-test-fails --
# SQLite in Go is C turned into Go, and the detector looks at each of its bytes: without
# it there a race of our own is found as before, three times sooner. Only these packages:
# others of that name instantiate generic code that the whole program uses (sync.Map's),
# and where the linker keeps such a copy, the detector sees races that are none.
RACE    := -race $(foreach p,sqlite/lib libc memory,-gcflags=modernc.org/$(p)=-race=false)

.PHONY: help build test test-aws fuzz check sandbox demo demo-aws sabotage fmt lint vuln docker-lint image clean proof moves long bench outage outage-aws attack

# Without cgo, as in the image: the small ones are started before each git and Terraform.
build: ## the program, and the sandbox to try it in
	$(GO) build -trimpath -o bin/ ./cmd/drbot ./cmd/drbot-sandbox
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/drbot-launch ./cmd/drbot-switch

help: ## this: what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The packages that take longest begin, so that the short ones fill what they leave idle.
LONGEST := ./internal/tf ./workflows ./internal/github

# What runs the program as a process is proof's: the detector sees nothing of another
# process. The analyses of vet are lint's, and nobody debugs these binaries.
# The sweeps of workflows (killed at every row, act and call, every port fails, the world
# moves) play the same code at each of their places: all places first, without the detector;
# with it one in five (oneSwept), and of the tests of workflows those of a sample that prints
# itself; make long plays all of them with it.
test: ## everything in process, with the race detector; workflows whole without it, a part of it with it
	@echo "workflows: every place of every sweep, 100 sequences of moves and one single move in 29, without the race detector"
	DRBOT_MOVES=100 DRBOT_ONE_MOVE_IN=29 $(TEST) -vet=off -ldflags=-w -timeout 15m ./workflows
	@echo "everything, with the race detector: of workflows a sample, of its sweeps one place in five"
	DRBOT_RACE_SAMPLE=1 $(TEST) $(RACE) -vet=off -ldflags=-w -p 2 -timeout 15m $(LONGEST) $$($(GO) list ./... | grep -v '/internal/sandbox$$')

sandbox: build ## a Slack page and a GitHub page to play with
	$(SANDBOX)

demo: build ## a whole failover and the way back, in a world of its own
	$(SANDBOX) --auto

sabotage: build ## break one thing after the other; each must be found
	$(SANDBOX) sabotage

# Without its own limit, making an input smaller that is merely new takes 60 s.
fuzz: ## every fuzz target for 20 s; the packages are asked, so that none is forgotten
	@set -e; pkgs=$$($(GO) list ./...); for pkg in $$pkgs; do \
		listed=$$($(GO) test -list '^Fuzz' $$pkg); \
		for target in $$listed; do case $$target in Fuzz*) \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime 20s -fuzzminimizetime 1s $$pkg;; esac; \
		done; \
	done

# Most of a proof is waiting, so that many more than cores run side by side.
proof: ## the program itself: whole runs of it, killed at every effect, lied to and let down
	$(TEST) -tags proof -parallel 8 -timeout $(or $(PROOF_TIMEOUT),30m) ./internal/sandbox

long: ## what takes too long for every change: every kill in all four ways, the movers, the benches, the outages
	$(GO) test $(RACE) -vet=off -timeout 60m ./workflows
	DRBOT_PROOF=whole $(MAKE) proof PROOF_TIMEOUT=90m
	$(GO) test -run '^$$' -bench Outbox ./internal/store
	DRBOT_PROOF=whole $(GO) test ./internal/github -run '^TestCost$$' -v -timeout 30m
	DRBOT_PROOF=whole $(MAKE) attack
	$(MAKE) moves bench outage outage-aws

demo-aws: build ## the demo on the reference infrastructure, with the real provider
	$(SANDBOX) --auto --infra reference

outage-aws: build ## the same with the source Region refusing from the first second
	$(SANDBOX) --auto --infra reference --outage source=refuse

# Virtual time: a run under which the world moves takes a quarter of a second.
moves: ## the world moves at every place of a run, and by 2,000 random sequences of three moves
	@mkdir -p bin; DRBOT_MOVES=2000 $(GO) test ./workflows -run '^TestMover|^TestCase6TheWorldMoves' -v -timeout 30m > bin/moves.log; ended=$$?; \
	grep -E '^(---|ok|FAIL|panic)|_test\.go|^ *--- FAIL' bin/moves.log; exit $$ended

attack: ## what a repository, a sender, a local user and a hand in the database try, with the walls around Terraform and without
	$(GO) test -tags attack -run '^TestAttack' -v -timeout 30m ./internal/wall ./internal/tf ./workflows ./internal/sandbox

# Every strategy has a Moto of its own and waits for the provider most of the time.
test-aws: ## the reference infrastructure: every module, every strategy there and back
	@scripts/terraform-1.1
	$(GO) tool gotestsum --format standard-verbose -- -tags aws -parallel 6 -timeout 45m ./internal/sandbox/reference

bench: build ## what the bot itself costs, beside its budget
	$(SANDBOX) bench

outage: build ## the demo with the source Region gone from the first second
	$(SANDBOX) --auto --outage source=refuse
	$(SANDBOX) --auto --outage source=hang

check: fmt lint test vuln ## what CI runs first

fmt: ## whether every Go file is formatted, and no merge was left half done
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	@! git grep -nE '^(<<<<<<<|>>>>>>>) '

lint: docker-lint ## go vet, staticcheck and the Dockerfile
	$(GO) vet -tags proof,aws,attack ./...
	$(GO) tool staticcheck -tags proof,aws,attack ./...

docker-lint: ## the Dockerfile alone
	@scripts/lint-dockerfile Dockerfile

image: ## the container image
	docker build -t drbot .

vuln: ## known vulnerabilities of what is used
	@scripts/vulncheck

clean: ## take bin/ away
	rm -rf bin
