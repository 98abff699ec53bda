#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Whether every include of src/ leads to a folder on the same or a lower floor: ARCHITECTURE.md has the floors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../src"

# shellcheck disable=SC2046 # names of our files have no spaces
awk '
  function folder(file) { return sub("/[^/]*$", "", file) ? file : "." }
  function fault(text) { print "src/" FILENAME ": " text; faults++ }
  BEGIN { for (i in ARGV) ours[ARGV[i]] }
  NR == FNR { # | floor | `folder` | ...
    if (split($0, cell, / *\| */) > 3 && cell[2] ~ /^[0-9.]+$/) { gsub("`", "", cell[3]); floor[cell[3]] = cell[2] + 0 }
    next
  }
  FNR == 1 && !(folder(FILENAME) in floor) { fault("its folder has no floor in ARCHITECTURE.md") }
  /^#include "/ && split($0, part, "\"") && (part[2] in ours) && floor[folder(part[2])] > floor[folder(FILENAME)] {
    fault("includes " part[2] ", which lies above it")
  }
  END { exit faults > 0 }
' ../ARCHITECTURE.md $(find -- * -name '*.cpp' -o -name '*.h')
