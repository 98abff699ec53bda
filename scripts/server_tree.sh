#!/usr/bin/env bash
# A PostgreSQL of another Debian release, in a folder tree of its own.
#
#   server_tree.sh make MAJOR               make the tree if it is not cached; prints its folder
#   server_tree.sh run TREE SCRATCH COMMAND run a command in the tree, SCRATCH mounted at /mnt/scratch
#
# Needs root. A tree is cached in .cache/trees under its suite and package list; the mirror is the one apt
# is configured with. Nothing is written into a tree that is in use: all work is done in SCRATCH. Processes
# and mounts of `run` vanish with it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

suites_with() { # in the order to try
  case $1 in
    15) say bookworm ;;
    17) say trixie ;;
    18) say forky sid ;;
    *) die "no Debian release with PostgreSQL $1 is known" "Known: 15, 17, 18." ;;
  esac
}

packages_for() {
  say "postgresql-$1" "postgresql-$1-pgtap" g++ make libipc-run-perl \
    libtap-parser-sourcehandler-pgtap-perl python3-psycopg2
}

debian_mirror() {
  local mirror
  mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
      sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'
  }
  [[ -n $(mirror) ]] || apt-get -qq update >&2
  mirror=$(mirror)
  [[ -n $mirror ]] || die "apt names no Debian mirror" "Its sources must have a Debian suite to fetch other releases from."
  say "$mirror"
}

# The server's development files are unpacked, not installed: installing would bring a whole LLVM.
make_tree_of_suite() {
  local major=$1 suite=$2 tree=$3 packages
  mapfile -t packages < <(packages_for "$major")
  # shellcheck disable=SC2016 # $1 is for the shell of mmdebstrap
  mmdebstrap --quiet --mode=root --variant=apt \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --essential-hook='mkdir -p $1/etc/postgresql-common; echo "create_main_cluster = false" >$1/etc/postgresql-common/createcluster.conf' \
    --customize-hook="cd \"\$1\" && chroot . sh -ec 'cd /tmp && apt-get download postgresql-server-dev-$major && dpkg -x *.deb / && rm *.deb'" \
    "$suite" "$tree" "$(debian_mirror)" >&2
}

make_tree() {
  local major=$1 suite key tree
  for suite in $(suites_with "$major"); do
    key=$(packages_for "$major" | sha256sum | cut -c1-12)
    tree=$repository/.cache/trees/$suite-$major-$key
    if [[ -f $tree/.complete ]]; then
      say "$tree"
      return
    fi
    rm -rf "$tree"
    mkdir -p "$(dirname "$tree")"
    say "Fetching PostgreSQL $major from Debian $suite" >&2
    if make_tree_of_suite "$major" "$suite" "$tree"; then
      touch "$tree/.complete"
      say "$tree"
      return
    fi
    rm -rf "$tree"
  done
  die "could not make a tree with PostgreSQL $major"
}

# Inside the new mount and process namespaces.
enter_tree() {
  local tree=$1 scratch=$2 node
  shift 2
  mount -t proc proc "$tree/proc"
  mount -t tmpfs -o mode=755 tmpfs "$tree/dev"
  for node in null zero full random urandom tty; do
    touch "$tree/dev/$node"
    mount --bind "/dev/$node" "$tree/dev/$node"
  done
  ln -s /proc/self/fd "$tree/dev/fd"
  mkdir "$tree/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
  mount -t tmpfs tmpfs "$tree/mnt"
  mkdir "$tree/mnt/scratch"
  mount --bind "$scratch" "$tree/mnt/scratch"
  # Not exec: this shell is the first process in there and must stay, to take the exit status of orphans.
  # A killed server would look alive without it.
  chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
}

# unshare itself ignores SIGINT and SIGTERM; when it is killed, all in its namespace goes with it.
run_in_tree() {
  local status=0
  unshare --mount --pid --fork --kill-child --propagation private \
    bash "${BASH_SOURCE[0]}" enter "$@" &
  local inside=$!
  # shellcheck disable=SC2064 # the process is known now, and gone from scope then
  trap "kill -KILL $inside; exit 143" INT TERM HUP
  wait "$inside" || status=$?
  return $status
}

case ${1:-} in
  make) make_tree "$2" ;;
  run) run_in_tree "${@:2}" ;;
  enter) enter_tree "${@:2}" ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 1
    ;;
esac
