#!/usr/bin/env bash
# The viewer: make viewer, make check-viewer
#
# Installs what is missing (apt) and builds build/viewer/trending-viewer. With --check its tests run as well:
# those with a real window need the extension in a server, for which a private copy of the server of PG_CONFIG
# is made, and the load generator. With --packages it only installs what --check needs.
#   SANITIZE=1  with ASan and UBSan, in build/viewer-sanitize
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=$repository/build/viewer${SANITIZE:+-sanitize}
packages=(make g++ cmake ninja-build pkg-config libpq-dev qt6-base-dev libqt6opengl6-dev qt6-charts-dev libqt6svg6-dev
  qt6-tools-dev qt6-tools-dev-tools qt6-l10n-tools fonts-dejavu-core)
! apt_knows qt6-svg-dev || packages=("${packages[@]/libqt6svg6-dev/qt6-svg-dev}")
test_packages=(libcli11-dev libfmt-dev xvfb xauth xdotool openbox xclip x11-utils imagemagick openssl)

build_viewer() { # FURTHER OPTIONS...
  cmake -S "$repository/viewer" -B "$build" -G Ninja -DVIEWER_TESTS=OFF -DVIEWER_SANITIZE="${SANITIZE:+ON}" "$@"
  cmake --build "$build" -j "$(jobs_for_make)"
}

check_viewer() {
  choose_server
  # Outside the repository, which the server's user may not be able to enter.
  server_folder=$(mktemp -d /var/tmp/trending-viewer.XXXXXX)
  trap 'rm -rf "$server_folder"' EXIT
  chmod 755 "$server_folder"
  PG_CONFIG=$(copy_server "$server_folder" "$PG_CONFIG")
  export PG_CONFIG
  make -C "$repository" -j "$(jobs_for_make)" install SANITIZE= PG_CONFIG="$PG_CONFIG"
  cmake -S "$repository/loadgen" -B "$repository/build/loadgen" -DCMAKE_BUILD_TYPE=RelWithDebInfo
  cmake --build "$repository/build/loadgen" -j "$(jobs_for_make)" --target trending-loadgen
  # Here a test that finds something missing has failed.
  VIEWER_TESTS_MAY_SKIP=no ctest --test-dir "$build" -V --timeout 300
}

case ${1:-} in
  '')
    require_packages "${packages[@]}"
    build_viewer
    say "Built $build/trending-viewer"
    ;;
  --packages) require_packages "${packages[@]}" "${test_packages[@]}" ;;
  --check)
    require_packages "${packages[@]}" "${test_packages[@]}"
    build_viewer -DVIEWER_TESTS=ON
    check_viewer
    ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d'
    [[ $1 == --help ]]
    ;;
esac
