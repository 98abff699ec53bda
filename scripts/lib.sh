# shellcheck shell=bash
# Shared by the scripts: messages, packages, which server, who runs it. Sourced, never run.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What make was told must not reach the runs of make in here: they name their own server.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
oldest_server=15
newest_server=18

say() { printf '%s\n' "$*"; }

die() {
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  %s\n' "$@" >&2
  exit 1
}

is_root() { ((EUID == 0)); }

# What to put before a command that needs root, empty if we are.
root_prefix=()
is_root || root_prefix=(sudo)

as_root() {
  is_root || command -v sudo >/dev/null || die "this needs root: $*" "Run it as root, or install sudo."
  "${root_prefix[@]}" "$@"
}

# --- packages ------------------------------------------------------------------------------------

package_is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing_packages() {
  local package
  for package; do
    package_is_installed "$package" || printf '%s\n' "$package"
  done
}

apt_knows() { apt-cache policy "$1" 2>/dev/null | grep -v 'Candidate: (none)' | grep -q Candidate; }

# A server package would make and start a cluster on port 5432 when it is installed; nobody asked for that.
without_new_cluster() {
  local directory=/etc/postgresql-common/createcluster.d status=0
  as_root mkdir -p "$directory"
  as_root sh -c "echo 'create_main_cluster = false' >$directory/trending.conf"
  "$@" || status=$?
  as_root rm -f "$directory/trending.conf"
  return "$status"
}

apt_is_fresh=

update_apt_once() {
  [[ -n $apt_is_fresh ]] || as_root apt-get -qq update
  apt_is_fresh=1
}

# Installs what is missing of the packages named, and says so; does nothing when all are there.
require_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    die "packages are missing and there is no apt-get to install them" "Please install: ${missing[*]}"
  say "Installing: ${missing[*]}"
  mkdir -p "$repository/build"
  local log=$repository/build/apt.log
  {
    update_apt_once &&
      without_new_cluster as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y --no-install-recommends install "${missing[@]}"
  } >"$log" 2>&1 </dev/null || {
    tail -n 15 "$log" >&2
    die "apt-get failed; the whole log is $log"
  }
}

# --- the server ----------------------------------------------------------------------------------

major_version_of() { "$1" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'; }

server_can_be_built_for() {
  [[ -x $1 && -x $("$1" --bindir)/postgres && -f $("$1" --pgxs) ]]
}

# The newest installed server of Debian's layout that we support, by what must be there: a file below its
# folder.
newest_installed() {
  local major
  for ((major = newest_server; major >= oldest_server; major--)); do
    if [[ -e /usr/lib/postgresql/$major/$1 ]]; then
      say "$major"
      return
    fi
  done
}

distribution_server_version() {
  apt_knows postgresql || update_apt_once
  apt-cache show postgresql | sed -n 's/^Depends:.*postgresql-\([0-9]*\).*/\1/p' | head -n 1
}

# Sets PG_CONFIG, installing the server and its development files when there is none: the one asked for, else
# the newest server installed, else the distribution's.
choose_server() {
  if [[ -n ${PG_CONFIG:-} ]]; then
    PG_CONFIG=$(command -v "$PG_CONFIG") || die "there is no such pg_config: $PG_CONFIG"
    PG_CONFIG=$("$PG_CONFIG" --bindir)/pg_config
  else
    local major
    major=$(newest_installed bin/postgres)
    if [[ -z $major ]] && command -v pg_config >/dev/null &&
      server_can_be_built_for "$(pg_config --bindir)/pg_config"; then
      PG_CONFIG=$(pg_config --bindir)/pg_config
    else
      major=${major:-$(distribution_server_version)}
      [[ -n $major ]] || die "no PostgreSQL found, and apt knows of none" "Install one, or name it: PG_CONFIG=..."
      require_packages "postgresql-$major" "postgresql-server-dev-$major"
      PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
    fi
  fi
  server_can_be_built_for "$PG_CONFIG" ||
    die "$PG_CONFIG: the server or its development files are missing" \
      "Debian has them in postgresql-NN and postgresql-server-dev-NN."
  major=$(major_version_of "$PG_CONFIG")
  ((major >= oldest_server)) ||
    die "PostgreSQL $major is too old; $oldest_server to $newest_server are supported" "Choose one: PG_CONFIG=..."
  export PG_CONFIG
  server_prefix=(env HOME=/ LC_ALL=C.UTF-8)
  if is_root; then server_prefix=(runuser -u "$(server_user)" -- "${server_prefix[@]}"); fi
}

# A server never runs as root.
server_user() {
  if ! is_root; then
    id -un
  elif id postgres >/dev/null 2>&1; then
    say postgres
  else
    say nobody
  fi
}

# What to put before a command to run it as the server's user, with nothing of the caller's home or language.
# Set by choose_server: the user comes with the server's package.
server_prefix=()

as_server() { "${server_prefix[@]}" "$@"; }

# A copy of the server of PG_CONFIG below a folder, with the same paths there: PostgreSQL finds its files
# relative to its programs. The extension can be installed into the copy without touching the system.
# Prints the copy's pg_config.
copy_server() {
  local into=$1 pg_config=$2 bin directory
  bin=$("$pg_config" --bindir)
  for directory in "$bin" "$("$pg_config" --pkglibdir)" "$("$pg_config" --sharedir)"; do
    mkdir -p "$into$(dirname "$directory")"
    cp -a "$directory" "$into$directory"
  done
  directory=$("$pg_config" --includedir)
  mkdir -p "$into$(dirname "$directory")"
  ln -sfn "$directory" "$into$directory"
  say "$into$bin/pg_config"
}

jobs_for_make() { nproc 2>/dev/null || echo 1; }
