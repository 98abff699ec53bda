#!/usr/bin/env bash
# clang-tidy over the sources, or over those named: make tidy [FILES="src/engine/memory/arena.cpp"]
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

# Without precompiled headers, which another compiler cannot read; with what Qt's tools generate.
tidy_viewer() { # FILES...
  (($#)) || return 0
  cmake -S viewer -B build/viewer-tidy -DVIEWER_TESTS=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
  cmake --build build/viewer-tidy --target viewer-core_autogen viewer-ui_autogen >/dev/null
  printf '%s\n' "$@" | xargs -P "$(jobs_for_make)" -I{} clang-tidy --quiet -p build/viewer-tidy {}
}

main() {
  local file status=0
  local -a files extension=() loadgen=() viewer=()
  cd "$repository"
  choose_server
  require_packages clang-tidy cmake g++ libpq-dev libcli11-dev libfmt-dev pkg-config
  read -r -a files <<<"${FILES:-$(find src loadgen/src viewer/src -name '*.cpp' 2>/dev/null | sort | tr '\n' ' ')}"
  for file in "${files[@]}"; do
    case $file in
      loadgen/*) loadgen+=("$file") ;;
      viewer/*) viewer+=("$file") ;;
      *) extension+=("$file") ;;
    esac
  done
  exec 2> >(grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?generated|^Suppressed|^Use -header-filter' >&2)
  tidy_extension "${extension[@]}" || status=1
  tidy_loadgen "${loadgen[@]}" || status=1
  if ((${#viewer[@]})); then
    if package_is_installed qt6-charts-dev; then
      tidy_viewer "${viewer[@]}" || status=1
    else
      say "viewer/ left out: make viewer installs what it needs"
    fi
  fi
  return $status
}

main
