#!/usr/bin/env bash
# clang-tidy over the sources, or over those named: make tidy [FILES="src/engine/arena.cpp"]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tidy_extension() { # FILES...
  local include
  include=$("$PG_CONFIG" --includedir-server)
  (($#)) || return 0
  printf '%s\n' "$@" | xargs -P "$(jobs_for_make)" -I{} \
    clang-tidy --quiet {} -- -std=c++20 -Wno-register -Isrc -isystem "$include" -isystem "$include/../internal"
}

tidy_loadgen() { # FILES...
  (($#)) || return 0
  cmake -S loadgen -B build/loadgen >/dev/null
  printf '%s\n' "$@" | xargs -P "$(jobs_for_make)" -I{} clang-tidy --quiet -p build/loadgen {}
}

main() {
  local file status=0
  local -a files extension=() loadgen=()
  cd "$repository"
  choose_server
  require_packages clang-tidy cmake g++ libpq-dev libcli11-dev libfmt-dev pkg-config
  read -r -a files <<<"${FILES:-$(find src loadgen/src -name '*.cpp' 2>/dev/null | sort | tr '\n' ' ')}"
  for file in "${files[@]}"; do
    if [[ $file == loadgen/* ]]; then loadgen+=("$file"); else extension+=("$file"); fi
  done
  exec 2> >(grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?generated|^Suppressed|^Use -header-filter' >&2)
  tidy_extension "${extension[@]}" || status=1
  tidy_loadgen "${loadgen[@]}" || status=1
  return $status
}

main
