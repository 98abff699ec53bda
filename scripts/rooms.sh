#!/usr/bin/env bash
# The rooms of src/, and whether every include leads down: scripts/rooms.sh
#
# A file includes only what lies in its own room or in one further down this list. Rooms in one line are
# neighbours and may include each other. A room is a folder without its subfolders.
set -euo pipefail

rooms='
.
functions
fdw
aggregates
launcher
bgworker bgworker/checkpoint bgworker/filling bgworker/intake bgworker/results bgworker/trend bgworker/process
decoder
commands
shmem
catalog
definition/text
definition/clauses
definition
values
postgres
engine/trend engine/sessions
engine/ranking
engine/stores
engine/aggregates
engine/time
engine/memory
'

cd "$(dirname "${BASH_SOURCE[0]}")/../src"

# FILE INCLUDED, for every include of a header of ours; then FILE -, so that a file without any has a room.
includes() {
  find . -name '*.cpp' -o -name '*.h' | sort | while read -r file; do
    file=${file#./}
    sed -n "s|^#include \"\([^\"]*\)\".*|$file \1|p" "$file" | while read -r from to; do
      [[ ! -e $to ]] || printf '%s %s\n' "$from" "$to"
    done
    printf '%s -\n' "$file"
  done
}

includes | awk -v rooms="$rooms" '
  function room(file) { return sub("/[^/]*$", "", file) ? file : "." }
  function fault(text) { print "src/" $1 ": " text; faults++ }
  BEGIN {
    count = split(rooms, lines, "\n")
    for (i = 1; i <= count; i++) {
      names = split(lines[i], name, " ")
      for (n = 1; n <= names; n++) floor[name[n]] = count - i
    }
  }
  !(room($1) in floor) { fault(room($1) "/ is not in the list of scripts/rooms.sh"); next }
  $2 != "-" && floor[room($2)] > floor[room($1)] { fault("includes " $2 ", which lies above it") }
  END { exit faults > 0 }
'
