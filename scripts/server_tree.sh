#!/usr/bin/env bash
# A PostgreSQL of another Debian release, in a folder tree of its own. Needs root.
#
#   server_tree.sh make MAJOR                makes the tree if it is not in .cache/trees; prints "pass FOLDER"
#   server_tree.sh run TREE SCRATCH COMMAND  runs a command in the tree, with SCRATCH at /mnt/scratch
#
# Nothing is written into a tree that is in use: all work is done in SCRATCH. Processes and mounts of `run` vanish with it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

declare -A suites=([15]=bookworm [17]=trixie [18]=forky)

# The server's development files are unpacked, not installed: installing would bring a whole LLVM.
make_tree() { # MAJOR
  local suite=${suites[$1]:-} packages tree mirror
  [[ -n $suite ]] || die "no Debian release with PostgreSQL $1 is known" "Known: ${!suites[*]}."
  packages=postgresql-$1,postgresql-$1-pgtap,g++,make,libipc-run-perl,libtap-parser-sourcehandler-pgtap-perl,python3-psycopg2
  tree=$repository/.cache/trees/$suite-$1-$(sha256sum <<<"$packages" | cut -c1-12)
  if [[ ! -f $tree/.complete ]]; then
    rm -rf "$tree"
    mkdir -p "${tree%/*}"
    apt-get -qq update
    # shellcheck disable=SC2016 # for apt-get
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
      sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
    [[ -n $mirror ]] || die "apt names no Debian mirror" "Its sources must have a Debian suite to fetch others from."
    # shellcheck disable=SC2016 # $1 is for the shell of mmdebstrap
    mmdebstrap --quiet --mode=root --variant=apt --include="$packages" \
      --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io \
      --essential-hook='mkdir -p $1/etc/postgresql-common; echo "create_main_cluster = false" >$1/etc/postgresql-common/createcluster.conf' \
      --customize-hook="cd \"\$1\" && chroot . sh -ec 'cd /tmp && apt-get download postgresql-server-dev-$1 && dpkg -x *.deb / && rm *.deb'" \
      "$suite" "$tree" "$mirror"
    touch "$tree/.complete"
  fi
  say "pass $tree"
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
