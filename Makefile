# The targets of authctl; "make" alone lists them. GNU make and a POSIX shell.

GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
PREFIX    ?= /usr/local
DESTDIR   ?=
FUZZTIME  ?= 10s

# Where "make completions" writes; .ci/run compares another folder with it.
COMPLETIONS ?= completions

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
PLATFORMS   = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# One way to compile for build, lint and build-all, so that they share what
# they have compiled.
PLAIN   = CGO_ENABLED=0 GOFLAGS="$$($(GO) env GOFLAGS) -trimpath"
LDFLAGS = -s -w -X main.version=$(VERSION)

# The tests that need a real keyring have Keyring in their name.
KEYRING_TESTS = Keyring

.DEFAULT_GOAL := help
.PHONY: help build install demo test test-keyring lint fmt-check vet staticcheck vulncheck modules bench completions schema examples build-all fuzz clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: bin/authctl bin/authsim ## build bin/authctl and bin/authsim

# The go command knows what is up to date.
bin/%: FORCE
	@$(PLAIN) $(GO) build -ldflags '$(LDFLAGS)' -o $@ ./cmd/$*

install: build ## install authctl and its completions under PREFIX (/usr/local)
	mkdir -p '$(DESTDIR)$(PREFIX)/bin' \
		'$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
		'$(DESTDIR)$(PREFIX)/share/zsh/site-functions' \
		'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'
	cp bin/authctl '$(DESTDIR)$(PREFIX)/bin/authctl'
	bin/authctl completion bash >'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/authctl'
	bin/authctl completion zsh >'$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_authctl'
	bin/authctl completion fish >'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/authctl.fish'

demo: bin/authctl bin/authdemo ## show authctl at work on five simulated APIs; needs no network and no keyring
	@bin/authdemo

# The race detector needs cgo, and cgo a C compiler.
test: ## run all tests, with the race detector where there is a C compiler
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ] && command -v "$$($(GO) env CC | cut -d ' ' -f 1)" >/dev/null; then \
		GORACE=atexit_sleep_ms=0 $(GO) test -race -timeout 5m ./...; \
	else \
		echo 'no C compiler: the tests run without the race detector'; \
		$(GO) test -timeout 5m ./...; \
	fi

test-keyring: ## run the tests that need a real keyring, and fail without one
	AUTHCTL_REQUIRE_KEYRING=1 $(GO) test -count 1 -timeout 5m -run '$(KEYRING_TESTS)' ./...

lint: fmt-check vet staticcheck vulncheck modules ## check format, code, known vulnerabilities and modules

fmt-check:
	@bad=$$(gofmt -l cmd pkg) && if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi

vet:
	$(PLAIN) $(GO) vet ./...

staticcheck:
	$(PLAIN) $(GO) run $(STATICCHECK) ./...

# The first run builds the program and the second asks its database a question,
# so that a database out of reach is told from a broken build and from a finding.
vulncheck:
	@out=$$($(PLAIN) $(GO) run $(GOVULNCHECK) -h 2>&1) || { echo "$$out"; exit 1; }
	@limit=$$(command -v timeout >/dev/null && echo timeout 15 || :); \
	if $(PLAIN) $$limit $(GO) run $(GOVULNCHECK) -mode query -json stdlib@v1.26.0 >/dev/null 2>&1; then \
		$(PLAIN) $(GO) run $(GOVULNCHECK) ./...; \
	else \
		echo 'govulncheck is skipped: its database cannot be reached'; \
	fi

modules:
	$(GO) mod tidy -diff
	$(GO) mod verify

bench: bin/authctl bin/authbench ## compare the speed of authctl token with secret-tool; needs a keyring's programs
	@bin/authbench

completions: bin/authctl ## write the completion scripts to completions/
	@mkdir -p '$(COMPLETIONS)'
	bin/authctl completion bash >'$(COMPLETIONS)/authctl.bash'
	bin/authctl completion zsh >'$(COMPLETIONS)/_authctl'
	bin/authctl completion fish >'$(COMPLETIONS)/authctl.fish'
	bin/authctl completion powershell >'$(COMPLETIONS)/authctl.ps1'

schema: bin/authctl ## write the JSON Schema of profiles to docs/
	bin/authctl profile schema >docs/profile.schema.json

examples: ## copy profiles.example.yaml to where it is embedded
	cp profiles.example.yaml pkg/profile/example.yaml

build-all: $(PLATFORMS:%=build-for/%) ## build and vet for Linux, macOS and Windows, on amd64 and arm64

# Nothing is kept: this shows that it builds.
build-for/%: FORCE
	@echo "$*"
	@GOOS=$(*D) GOARCH=$(*F) $(PLAIN) $(GO) vet ./...
	@GOOS=$(*D) GOARCH=$(*F) $(PLAIN) $(GO) build -ldflags '$(LDFLAGS)' -o /dev/null ./cmd/authctl

fuzz: ## run every fuzz test for FUZZTIME (10s)
	@$(GO) test -list '^Fuzz' ./... | \
	awk '/^Fuzz/ {name[++n] = $$1} /^ok/ {for (i = 1; i <= n; i++) print name[i], $$2; n = 0}' | \
	while read -r name package; do \
		$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' "$$package" || exit; \
	done

clean: ## remove what was built
	rm -rf bin dist
