# The project's own goals. They need no PostgreSQL to be there: the scripts install what is missing.

.PHONY: $(PROJECT_GOALS)

SOURCE_DIRS = src loadgen viewer test bench
ALL_SOURCES = $(sort $(shell find $(SOURCE_DIRS) -name '*.cpp' -o -name '*.h' 2>/dev/null))

export PG_CONFIG SERVERS STAGES VARIANT FILES DURATION PORT RATE NAME VIEWER KILLS SEED

help:
	@echo 'Using it:'
	@echo '  make demo [DURATION=s] [PORT=n]  the live top 10 of a blog under load, until Ctrl-C'
	@echo '  make example NAME=shop           an example of examples/ under load, likewise'
	@echo '  make viewer                      build/viewer/trending-viewer, a window for live rankings'
	@echo '  make docs                        the documentation as a site with search, build/docs/site'
	@echo '  make && make install             build, and install into the server of PG_CONFIG'
	@echo '  make installcheck                regression tests against a running server'
	@echo 'Working on it:'
	@echo '  make check [SERVERS="15 17 18"]  every test; also on servers of other Debian releases'
	@echo '  make check STAGES="unit regress" some of: lint build unit loadgen viewer regress isolation pgtap docs fuzz tap'
	@echo '  make check-viewer [SANITIZE=1]   the viewer'"'"'s tests, in a window of their own'
	@echo '  make torture [KILLS=500] [SEED=n] the torture test alone, for longer'
	@echo '  make fuzz [MINUTES=60] [SEED=n]  random definitions under random work, against an independent oracle'
	@echo '  make tidy [FILES=...]            clang-tidy'
	@echo '  make format, make format-check   clang-format'
	@echo '  make check VARIANT=sanitize SERVERS=17 the server tests under ASan and UBSan (or VARIANT=coverage)'
	@echo 'Variables: PG_CONFIG=path, CXX=clang++, DEBUG=1 (assertions), SANITIZE=1, COVERAGE=1'

demo:
	@bash scripts/demo.sh

example:
	@bash scripts/example.sh

viewer:
	@bash scripts/viewer.sh

docs:
	@bash scripts/docs.sh

check:
	@bash scripts/check.sh

check-viewer:
	@bash scripts/viewer.sh --check

# About five seconds a kill; the limits leave room for a slow machine.
torture: export SEED := $(or $(SEED),$(shell shuf -i 1-999999 -n 1))
torture: export KILLS := $(or $(KILLS),500)
torture: export PROVE_TESTS := test/t/010_torture.pl
torture:
	@STAGES=tap TAP_LIMIT=$$((600 + 20 * KILLS)) bash scripts/check.sh

# Fresh seeds; a failure prints the line that repeats it.
fuzz: export FUZZ_MINUTES := $(if $(SEED),$(MINUTES),$(or $(MINUTES),10))
fuzz: export FUZZ_SEED := $(SEED)
fuzz: export FUZZ_EPISODES := 1
fuzz:
	@STAGES=fuzz bash scripts/check.sh

tidy:
	@bash scripts/tidy.sh

format:
	clang-format -i $(ALL_SOURCES)

format-check:
	clang-format --dry-run -Werror $(ALL_SOURCES)

# A goal of PGXS named beside one of these gets a run of make of its own.
$(filter-out $(PROJECT_GOALS),$(MAKECMDGOALS)):
	$(MAKE) $@
