# SPDX-License-Identifier: PostgreSQL
# shellcheck shell=bash
# What the scripts share: messages, packages, the choice of a server, builds. Sourced, never run.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What make was told must not reach the runs of make in here: they name their own server.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
umask 022 # the server's user reads what we make
oldest_server=15

# What a script says of itself at its head.
[[ ${1:-} != --help ]] || { sed -n '3,/^set/ { /^set/d; s/^# \{0,1\}//p }' "$0" && exit; }

say() { printf '%s\n' "$*"; }

die() { # MESSAGE HINTS...
  printf 'error: %s\n' "$1" >&2
  (($# == 1)) || printf '  %s\n' "${@:2}" >&2
  exit 1
}

is_root() { ((EUID == 0)); }

package_is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
apt_knows() { [[ $(apt-cache policy "$1" 2>/dev/null) == *Candidate:\ [^\(]* ]]; }

# Installs what is missing of the packages named, and says so.
require_packages() {
  local package missing=() root=(sh) log=$repository/build/apt.log
  for package; do
    package_is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  is_root || root=(sudo sh)
  command -v apt-get "${root[0]}" >/dev/null || die "packages are missing" "Install them as root: ${missing[*]}"
  mkdir -p "$repository/build" && say "Installing: ${missing[*]}"
  # The file keeps a server's package from making and starting a cluster on port 5432.
  # shellcheck disable=SC2016 # expanded by the shell that is started
  "${root[@]}" -ec 'file=/etc/postgresql-common/createcluster.d/trending.conf
    mkdir -p "${file%/*}"
    trap "rm -f $file" EXIT
    echo "create_main_cluster = false" >"$file"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@"' sh "${missing[@]}" \
    >"$log" 2>&1 </dev/null || { tail -n 15 "$log" >&2 && die "apt-get failed; the whole log is $log"; }
}

# Puts the files of packages below a folder. Nothing is installed, so no service of theirs starts.
unpack_packages() { # FOLDER PACKAGES...
  local kept=$repository/.cache/packages new package
  for package in "${@:2}"; do
    if [[ ! -f $kept/$package.deb ]]; then
      new=$kept/new.$$
      mkdir -p "$new"
      apt_knows "$package" || apt-get -qq update || return 1
      (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download "$package") || return 1
      mv "$new"/*.deb "$kept/$package.deb"
      rmdir "$new"
    fi
    dpkg -x "$kept/$package.deb" "$1"
  done
}

# The Debian mirror that apt uses most.
debian_mirror() {
  # shellcheck disable=SC2016 # for apt-get
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
    sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'
}

major_version_of() { "$1" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/'; }
is_complete_server() { [[ -x $("$1" --bindir)/postgres && -f $("$1" --pgxs) ]] 2>/dev/null; }

newest_installed_server() { find /usr/lib/postgresql/1[5-9]/bin/postgres 2>/dev/null | cut -d/ -f5 | sort | tail -n 1; }

# Sets PG_CONFIG: the one asked for, else that of the newest server installed, else the distribution's, which is then
# installed. Sets as_server, which is put before a command to run it as server_user: never root.
choose_server() {
  local major
  if [[ -z ${PG_CONFIG:-} ]]; then
    major=$(newest_installed_server)
    if [[ -z $major ]] && ! is_complete_server pg_config; then
      require_packages postgresql
      major=$(newest_installed_server)
    fi
    [[ -z $major ]] || require_packages "postgresql-server-dev-$major"
    PG_CONFIG=${major:+/usr/lib/postgresql/$major/bin/}pg_config
  fi
  is_complete_server "$PG_CONFIG" || die "$PG_CONFIG: the server or its development files are missing" \
    "Debian has them in postgresql-NN and postgresql-server-dev-NN."
  PG_CONFIG=$("$PG_CONFIG" --bindir)/pg_config
  export PG_CONFIG
  major=$(major_version_of "$PG_CONFIG")
  ((major >= oldest_server)) || die "PostgreSQL $major is too old; $oldest_server is the oldest supported"
  server_user=$(id -un)
  as_server=(env HOME=/ LC_ALL=C.UTF-8)
  is_root || return 0
  server_user=$(id -un postgres 2>/dev/null || say nobody)
  as_server=(setpriv --reuid "$server_user" --regid "$(id -g "$server_user")" --init-groups "${as_server[@]}")
}
# Copies the server of PG_CONFIG below a folder, with the same paths there: PostgreSQL finds its files relative to its
# programs, so the extension is installed there without touching the system.
copy_server() { # FOLDER PG_CONFIG
  local bin headers directory
  bin=$("$2" --bindir)
  headers=$("$2" --includedir)
  for directory in "$bin" "$("$2" --pkglibdir)" "$("$2" --sharedir)"; do
    mkdir -p "$1${directory%/*}"
    cp -a "$directory" "$1$directory"
  done
  mkdir -p "$1${headers%/*}"
  ln -sfn "$headers" "$1$headers"
}

build_cmake() { # SOURCE BUILD OPTIONS..., both below the repository
  local -a configure=(cmake -S "$repository/$1" -B "$repository/$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo "${@:3}")
  # The cache of a clone that was moved is of no use.
  "${configure[@]}" || { rm -rf "${repository:?}/$2" && "${configure[@]}"; }
  cmake --build "$repository/$2" -j "$(nproc)"
}
