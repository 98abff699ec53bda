#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Debian packages of the extension, the viewer and the load generator: make deb. They are left in build/packages.
#
#   packages.sh          builds them for this system's PostgreSQL, and has lintian look at them
#   packages.sh --check  also installs them in a clean tree, runs debian/tests/top10 there, and removes them (root)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$repository/trending.control")
folder=$repository/build/packages
sources=$folder/trending-$version

build_packages() {
  require_packages debhelper devscripts lintian postgresql-server-dev-all
  rm -rf "$folder"
  mkdir -p "$sources"
  tar -C "$repository" --exclude=./.git --exclude=./.cache --exclude=./build --exclude=./trending.so -cf - . | tar -C "$sources" -xf -
  cd "$sources"
  pg_buildext updatecontrol
  dpkg-checkbuilddeps 2>/dev/null || {
    is_root || die 'packages that the build needs are missing' "$(dpkg-checkbuilddeps 2>&1 || true)"
    apt-get -qq -y --no-install-recommends build-dep "$sources" >"$folder/apt.log" 2>&1 </dev/null || die "see $folder/apt.log"
  }
  say "Building, which takes some minutes; the log is build/packages/build.log"
  dpkg-buildpackage -us -uc -b >"$folder/build.log" 2>&1 || { tail -n 30 "$folder/build.log" && die 'the build failed'; }
  lintian --allow-root --fail-on error "$folder"/*.changes
  ls -l "$folder"/*.deb
}

# In a tree that has nothing but apt: what the packages depend on, their test, and nothing left afterwards.
check_packages() {
  local tree=$folder/tree mirror
  is_root || die 'a clean tree needs root' 'sudo make deb CHECK=1'
  require_packages mmdebstrap
  mirror=$(debian_mirror)
  mmdebstrap --quiet --mode=root --variant=apt --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --include=postgresql-server-dev-all,make,sudo "$(. /etc/os-release && say "$VERSION_CODENAME")" "$tree" "$mirror"
  rm -f "$tree/etc/apt/sources.list"
  cp -r /etc/apt/sources.list* "$tree/etc/apt/" # with the updates of the release, which the packages were built with
  mkdir -p "$folder/scratch"
  cp -r "$sources/debian/tests" "$folder"/*.deb "$folder/scratch"
  rm -f "$folder"/scratch/*dbgsym*
  # shellcheck disable=SC2016 # for the shell in the tree
  bash "$repository/scripts/server_tree.sh" run "$tree" "$folder/scratch" bash -euc '
    cd /mnt/scratch
    export DEBIAN_FRONTEND=noninteractive
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/trial.conf
    names=$(for file in *.deb; do dpkg-deb -f "$file" Package; done)
    apt-get -qq update
    apt-get -qq -y install ./*.deb >install.log 2>&1 || { tail -n 20 install.log; exit 1; }
    QT_QPA_PLATFORM=offscreen trending-viewer --version
    bash -eu tests/top10
    files=$(dpkg -L $names | sort -u | while read -r file; do [ -d "$file" ] || echo "$file"; done)
    apt-get -qq -y purge $names >>install.log 2>&1
    for file in $files; do [ ! -e "$file" ] || { echo "left behind: $file"; exit 1; }; done
    echo "installed, tested and removed: "$names'
  rm -rf "$tree"
}

build_packages
[[ ${1:-} != --check ]] || check_packages
