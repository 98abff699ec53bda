#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The viewer: make viewer, make check-viewer
#
# Installs what is missing (apt) and builds build/viewer/trending-viewer. With --check its tests run as well, those with
# a real window over a private copy of the server of PG_CONFIG; --packages only installs what they need.
#   SANITIZE=1  with ASan and UBSan, in build/viewer-sanitize
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=build/viewer${SANITIZE:+-sanitize}
packages=(make g++ cmake ninja-build pkg-config libpq-dev qt6-base-dev libqt6opengl6-dev qt6-charts-dev libqt6svg6-dev
  qt6-tools-dev qt6-tools-dev-tools qt6-l10n-tools fonts-dejavu-core)
! apt_knows qt6-svg-dev || packages=("${packages[@]/libqt6svg6-dev/qt6-svg-dev}")
[[ -z ${1:-} ]] || packages+=(libcli11-dev libfmt-dev xvfb xauth xdotool openbox xclip x11-utils imagemagick openssl)
require_packages "${packages[@]}"
[[ ${1:-} != --packages ]] || exit 0
build_cmake viewer "$build" -G Ninja -DVIEWER_SANITIZE="${SANITIZE:+ON}" -DVIEWER_TESTS="${1:+ON}"
say "Built $build/trending-viewer"
[[ ${1:-} == --check ]] || exit 0

choose_server
folder=$(mktemp -d /var/tmp/trending-viewer.XXXXXX) # where the server's user may enter
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
copy_server "$folder" "$PG_CONFIG"
PG_CONFIG=$folder$PG_CONFIG
make -C "$repository" -j "$(nproc)" install SANITIZE= PG_CONFIG="$PG_CONFIG"
build_cmake loadgen build/loadgen -DLOADGEN_TESTS=OFF
# Here a test that finds something missing has failed.
VIEWER_TESTS_MAY_SKIP=no ctest --test-dir "$repository/$build" -V --timeout 300
