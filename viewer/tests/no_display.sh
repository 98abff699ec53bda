#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# no_display.sh VIEWER: without a display the viewer says so, in its own words, and still answers --help.
set -euo pipefail

viewer=$1
status=0

check() { # STATUS WORDS NAME COMMAND...
  local found code=0
  found=$(timeout 30 env -u DISPLAY -u WAYLAND_DISPLAY -u QT_QPA_PLATFORM "${@:4}" 2>&1) || code=$?
  if [[ $code == "$1" && $found == *"$2"* && $found != *einstall* ]]; then
    echo "ok - $3"
  else
    printf 'FAILED: %s: status %s, and:\n%s\n' "$3" "$code" "$found" >&2
    status=1
  fi
}
check 2 'trending-viewer: there is no display to open a window on' 'without a display' "$viewer"
check 2 'trending-viewer: there is no display to open a window on' 'with one that does not answer' DISPLAY=:4711 "$viewer"
check 0 '--screenshot' '--help needs none' "$viewer" --help
check 0 'trending-viewer ' '--version needs none' "$viewer" --version
exit $status
