# SPDX-License-Identifier: PostgreSQL
# trending: PGXS build of the extension. `make help` lists the goals.
#
# Two kinds of goal: those of PGXS (all, install, installcheck, clean, ...) need a server with its
# development files, chosen by PG_CONFIG; those of the project (demo, check, ...) install what is missing
# first and are in scripts/project.mk. They are never mixed in one run of make, so that `make demo` works
# on a machine that has no PostgreSQL yet, and so that our `check` does not clash with that of PGXS.

PROJECT_GOALS := help docs deb dist demo example viewer check check-viewer check-flink check-containers torture fuzz soak tidy format format-check

ifneq ($(filter $(PROJECT_GOALS),$(MAKECMDGOALS)),)
include scripts/project.mk
else

EXTENSION = trending
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" trending.control)
MODULE_big = trending
DATA = $(wildcard sql/trending--*.sql)

PG_CONFIG ?= pg_config
PG_VERSION := $(word 2,$(shell $(PG_CONFIG) --version))
ifeq ($(PG_VERSION),)
$(error $(PG_CONFIG) does not run: install the server development files (Debian: postgresql-server-dev-NN), \
or name another pg_config as PG_CONFIG=...)
endif
PG_MAJOR := $(shell expr "$(PG_VERSION)" : '\([0-9]*\)')

# Variants: release (default); DEBUG=1 has our assertions on; SANITIZE=1 adds ASan and UBSan; COVERAGE=1 gcov.
VARIANT := $(or $(and $(SANITIZE),sanitize),$(and $(COVERAGE),coverage),$(and $(DEBUG),debug),release)
VARIANT_FLAGS_release = -DNDEBUG
VARIANT_FLAGS_debug = -D_GLIBCXX_ASSERTIONS
VARIANT_FLAGS_sanitize = -D_GLIBCXX_ASSERTIONS -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
VARIANT_FLAGS_coverage = --coverage -O0 -U_FORTIFY_SOURCE

# Objects of each server version, variant and compiler have their own folder: those of another build are
# never linked. The library is remade whenever that choice changes (build/choice).
OBJDIR = build/pg$(PG_VERSION)-$(VARIANT)-$(notdir $(firstword $(CXX)))
SOURCES := $(sort $(shell find src -name '*.cpp'))
OBJS = $(patsubst src/%.cpp,$(OBJDIR)/%.o,$(SOURCES))

PG_CPPFLAGS = -Isrc -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++20 -Wall -Wextra -Werror -fvisibility-inlines-hidden $(VARIANT_FLAGS_$(VARIANT))
ifneq ($(filter 15,$(PG_MAJOR)),)
PG_CXXFLAGS += -Wno-register
endif
ifneq ($(findstring clang,$(CXX)),)
PG_CXXFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-deprecated-volatile
endif
SHLIB_LINK += -lstdc++ -Wl,--version-script=src/trending.map \
	$(filter -fsanitize=address%undefined --coverage,$(VARIANT_FLAGS_$(VARIANT)))

# Tests against a running server (with trending preloaded and wal_level = logical); `make check` brings its own.
# Inputs of pg_regress are the files of sql/ without a double dash.
REGRESS := $(sort $(basename $(notdir $(foreach f,$(wildcard sql/*.sql),$(if $(findstring --,$f),,$f)))))
# A database whose encoding and order of texts are those of the expected output, whatever the cluster's are.
TEST_DATABASE = --encoding=UTF8 --no-locale
REGRESS_OPTS = $(TEST_DATABASE) --load-extension=trending
ISOLATION := $(sort $(basename $(notdir $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = $(TEST_DATABASE) --inputdir=test --load-extension=trending
# TAP tests start servers of their own, which root may not.
ifneq ($(and $(wildcard test/t/*.pl),$(filter-out 0,$(shell id -u))),)
TAP_TESTS = 1
PROVE_TESTS ?= test/t/*.pl
endif

EXTRA_CLEAN = build/pg* build/choice

# No bitcode for inlining: it would need a clang of the server's own version.
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

PROVE_FLAGS += -I test/perl $(EXTRA_PROVE_FLAGS)

# C++ throughout; the server's rules would put objects beside the sources.
$(OBJS): $(OBJDIR)/%.o: src/%.cpp Makefile
	@mkdir -p $(@D)
	$(if $(V),,@echo 'CXX $(VARIANT) $<' &&) $(CXX) $(CXXFLAGS) $(CPPFLAGS) $(VERSION_FLAG) -MMD -MP -c -o $@ $<

$(OBJDIR)/postgres/version.o: VERSION_FLAG = -DTRENDING_VERSION='"$(EXTVERSION)"'
$(OBJDIR)/postgres/version.o: trending.control

-include $(OBJS:.o=.d)

$(shlib): build/choice src/trending.map

build/choice: force-choice
	@mkdir -p build
	@echo '$(OBJDIR) $(SOURCES)' | cmp -s - $@ || echo '$(OBJDIR) $(SOURCES)' >$@

.PHONY: force-choice
force-choice:

endif
