#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# manual.sh MANUAL PROGRAM [SUBCOMMAND...]: a manual page has the options and exit statuses that the program's help has, and
# no others, and groff finds nothing to say against it.
set -euo pipefail

manual=$1
program=$2
shift 2
export LC_ALL=C QT_QPA_PLATFORM=offscreen
status=0

helps() {
  local subcommand
  "$program" --help
  for subcommand in "$@"; do "$program" "$subcommand" --help; done
}

# What begins a line of help, and what is the tag of a paragraph of the manual: "  -d,--dbname CONNINFO", "  3  the server".
in_help() { sed -nE 's/^ +((-[[:alnum:]],? ?)?--[a-z-]+|[0-9]+  ).*/\1/p' | grep -oE -- '--[a-z-]+|[0-9]+' | sort -u; }
in_manual() { sed 's/\\-/-/g' "$manual" | grep -A1 '^\.TP$' | grep -oE -- '--[a-z-]+|^\.B [0-9]+$' | sed 's/^\.B //' | sort -u; }

check() { # WHAT FOUND
  if [[ -z $2 ]]; then
    echo "ok - $1"
  else
    printf 'FAILED: %s:\n%s\n' "$1" "$2" >&2
    status=1
  fi
}

help=$(helps "$@" | in_help)
# Help that lists no exit statuses leaves them to the manual.
statuses='^[0-9]+$'
if grep -qE "$statuses" <<<"$help"; then statuses='^$'; fi
check "$(basename "$manual") has what the help has" "$(comm -23 <(echo "$help") <(in_manual))"
check "$(basename "$manual") has nothing else" "$(comm -13 <(echo "$help") <(in_manual) | grep -vE "$statuses" || true)"
if command -v groff >/dev/null; then
  check "$(basename "$manual") is well formed" "$(groff -man -Tutf8 -ww -z "$manual" 2>&1)"
fi
exit $status
