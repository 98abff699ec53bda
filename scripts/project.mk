# The project's own goals. They need no PostgreSQL to be there: the scripts install what is missing.

.PHONY: $(PROJECT_GOALS)

help:
	@echo 'Using it:'
	@echo '  make demo [DURATION=s] [PORT=n]  the live top 10 of a blog under load, until Ctrl-C'
	@echo '  make && make install             build and install into the server of PG_CONFIG'
	@echo 'Working on it:'
	@echo '  make check [SERVERS="15 17 18"]  every test; also on servers of other Debian releases'
	@echo '  make check STAGES="unit regress" some stages only (scripts/check.sh --help names them)'
	@echo '  make installcheck                regression tests against a running server'
	@echo '  make unit                        unit tests alone'
	@echo '  make tidy                        clang-tidy over the sources'
	@echo '  make format, make format-check   clang-format'
	@echo 'Variables: PG_CONFIG=path, CXX=clang++, DEBUG=1 (assertions), SANITIZE=1, COVERAGE=1'

# A goal of PGXS named beside one of these gets a run of make of its own.
$(filter-out $(PROJECT_GOALS),$(MAKECMDGOALS)):
	$(MAKE) $@

export PG_CONFIG SERVERS STAGES

check:
	@bash scripts/check.sh
