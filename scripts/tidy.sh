#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# clang-tidy over the sources, or over those named: make tidy [FILES="src/engine/memory/arena.cpp"]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$repository" && status=0

tidy() { # FOLDER OPTIONS...: those of the files that are below the folder
  { grep "^$1/" <<<"$files" || true; } | xargs -r -P "$(nproc)" -I{} clang-tidy --quiet "${@:2}" || status=1
}

choose_server
require_packages clang-tidy cmake g++ libpq-dev libcli11-dev libfmt-dev pkg-config
include=$("$PG_CONFIG" --includedir-server)
files=$(tr -s ' ' '\n' <<<"${FILES:-$(find src loadgen/src viewer/src -name '*.cpp' | sort)}")
exec 2> >(grep -vE '^[0-9]+ warnings? (and [0-9]+ errors? )?generated|^Suppressed|^Use -header-filter' >&2)
tidy src {} -- -std=c++20 -Wno-register -Isrc -isystem "$include" -isystem "$include/../internal"
cmake -S loadgen -B build/loadgen >/dev/null
tidy loadgen -p build/loadgen {}
if package_is_installed qt6-charts-dev && [[ $files == *viewer/* ]]; then
  # Without precompiled headers, which another compiler cannot read; with what Qt's tools generate.
  cmake -S viewer -B build/viewer-tidy -DVIEWER_TESTS=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
  cmake --build build/viewer-tidy --target viewer-core_autogen viewer-ui_autogen >/dev/null
  tidy viewer -p build/viewer-tidy {}
fi
exit "$status"
