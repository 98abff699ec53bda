# SPDX-License-Identifier: PostgreSQL
# The project's own goals. They need no PostgreSQL to be there: the scripts install what is missing.

.PHONY: $(PROJECT_GOALS)

VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" trending.control)

define HELP
Using it:
  make demo [DURATION=s] [PORT=n]    the live top 10 of a blog under load, until Ctrl-C
  make example NAME=shop             an example of examples/ under load, likewise
  make viewer                        build/viewer/trending-viewer, a window for live rankings
  make docs                          the documentation as a site with search, build/docs/site
  make deb [CHECK=1]                 Debian packages, build/packages; CHECK=1 installed and removed in a clean tree, too
  make dist                          the archive for PGXN, build/trending-VERSION.zip
  make && make install               build, and install into the server of PG_CONFIG
  make installcheck                  regression tests against a running server
Working on it:
  make check [SERVERS="15 17 19"]    every test; also on servers of other Debian releases
  make check STAGES="unit regress"   some of: lint build unit loadgen viewer bench regress isolation pgtap docs monitoring fuzz soak tap
  make check VARIANT=sanitize SERVERS=17  the server tests under ASan and UBSan
  make check VARIANT=coverage        how much of the code they run: build/check/pg*-servers/coverage.txt
  make check-viewer [SANITIZE=1]     the viewer's tests, in a window of their own
  make check-flink                   what to_flink_sql writes, on a real Flink, against history
  make check-containers [MAJOR=17]   the images of docker/, built and run by podman
  make torture [KILLS=500] [SEED=n]  worker and server killed at random under load
  make fuzz [MINUTES=60] [SEED=n]    random definitions under random work, against an independent oracle
  make soak [HOURS=1]                mixed load: does anything grow, or become slower? build/check/pg*-servers/soak
  make tidy [FILES=...]              clang-tidy
  make format, make format-check     clang-format
Variables: PG_CONFIG=path, CXX=clang++, DEBUG=1 (assertions), SANITIZE=1, COVERAGE=1 (gcov)
endef

help: ; $(info $(HELP)) @:
demo: ; @bash scripts/live.sh demo
example: ; @bash scripts/live.sh "$(NAME)"
viewer: ; @bash scripts/viewer.sh
docs: ; @bash docs/site.sh
deb: ; @bash scripts/packages.sh $(if $(CHECK),--check)
dist:
	@mkdir -p build
	@git archive --format=zip --prefix=trending-$(VERSION)/ -o build/trending-$(VERSION).zip HEAD
	@echo build/trending-$(VERSION).zip
check: ; @bash scripts/check.sh
check-viewer: ; @bash scripts/viewer.sh --check
check-flink: ; @bash scripts/flink.sh
check-containers: ; @bash scripts/containers.sh $(MAJOR)
tidy: ; @bash scripts/tidy.sh

# About five seconds a kill; the limit leaves room for a slow machine.
torture: ; @export KILLS=$(or $(KILLS),500) SEED=$(or $(SEED),$$(shuf -i 1-999999 -n 1)) STAGES=tap && \
	PROVE_TESTS=test/t/075_torture.pl LIMIT=$$((600 + 20 * KILLS)) bash scripts/check.sh

# Fresh seeds for MINUTES, or the one episode of a SEED, as a failure prints it.
fuzz: export FUZZ := $(if $(SEED),--seed $(SEED)) $(if $(SEED)$(MINUTES),,--minutes 10) $(if $(MINUTES),--minutes $(MINUTES))
fuzz: ; @STAGES=fuzz LIMIT=$$((900 + 60 * $(or $(MINUTES),10))) bash scripts/check.sh

soak: ; @export SOAK="--hours $(or $(HOURS),1)" STAGES=soak && \
	LIMIT=$$(awk 'BEGIN { print int(900 + 3600 * $(or $(HOURS),1)) }') bash scripts/check.sh

format format-check:
	@find src loadgen viewer test bench -name '*.cpp' -o -name '*.h' | \
	  xargs clang-format $(if $(filter format,$@),-i,--dry-run -Werror)

# A goal of PGXS named beside one of these gets a run of make of its own.
$(filter-out $(PROJECT_GOALS),$(MAKECMDGOALS)):
	$(MAKE) $@
