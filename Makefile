# `make test` needs Rust and Node on a Debian machine, installs the rest, and runs every test.

CARGO ?= cargo
NPM ?= npm
BROKER := tests/it/node_modules/.package-lock.json
SCREENSHOTS ?= $(CURDIR)/target/screenshots

.PHONY: test deps given lint screenshots bench

test: deps
	$(CARGO) test --locked

# A C compiler builds SQLite and ring; Chromium and its driver are the tests' browser, with a font to write in;
# slapd is their directory, and RUNLEVEL keeps the system's own from being started (invoke-rc.d(8)).
deps: given $(BROKER)
	@missing=; \
	command -v cc >/dev/null || missing="$$missing build-essential"; \
	command -v chromium >/dev/null || missing="$$missing chromium fonts-liberation"; \
	command -v chromedriver >/dev/null || missing="$$missing chromium-driver"; \
	[ -x /usr/sbin/slapd ] || missing="$$missing slapd ldap-utils"; \
	[ -n "$$missing" ] || exit 0; \
	[ "$$(id -u)" = 0 ] || { echo "missing; as root: apt-get install --no-install-recommends$$missing" >&2; exit 1; }; \
	apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $$missing

given:
	@for tool in $(CARGO) $(NPM); do \
	  command -v "$$tool" >/dev/null || { echo "$$tool is missing: Sluse is built with Rust and tested with Node" >&2; exit 1; }; \
	done

# The broker the tests log in at. npm writes its own lock file last, so it tells when the folder is whole.
$(BROKER): tests/it/package.json tests/it/package-lock.json | given
	$(NPM) ci --prefix tests/it --loglevel=error --no-audit --no-fund
	touch $@

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) deny --log-level warn check --hide-inclusion-graph bans licenses sources

# The guide step by step, and every page in both languages at every size and in every scheme of colours;
# PAGES="login me" limits the latter to those.
screenshots: deps
	SLUSE_SCREENSHOTS=$(SCREENSHOTS) SLUSE_PAGES="$(PAGES)" $(CARGO) test --locked --test it -- guide:: gallery::
	@echo "the pictures are in $(SCREENSHOTS); open $(SCREENSHOTS)/pages/index.html"

bench:
	$(CARGO) bench --locked --profile dist
