#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A live ranking under load: make demo, make example NAME=shop [DURATION=seconds] [PORT=number]
#
# Installs what is missing (apt), builds, starts a private PostgreSQL with the extension, makes tables and trends, lets
# a load generator write to them, and shows the trends every second (without a terminal: every five) until Ctrl-C or for
# DURATION seconds. Then all of it is stopped and removed. The system's own PostgreSQL is not touched.
#   NAME       one of examples/: blog, shop, pageviews, ticks or weather
#   PORT       where the private server listens on localhost (15432)
#   RATE       events a second (the example's own)
#   PG_CONFIG  which server, if not the newest installed
#   VIEWER=no  no window of the viewer, although there is a display
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name=${1:-} duration=${DURATION:-} port=${PORT:-15432}
folder=/var/tmp/trending-demo-$EUID-$port # data, server, socket: all that is removed at the end
logs=$repository/build/live
loadgen=$repository/build/loadgen/trending-loadgen
writer='' viewer='' ending=0 # processes of the load generator and the viewer; 1 after a signal

# Late rows are part of every example; changes of older rows come with the scenario.
choose_example() {
  sql=$repository/examples/$name
  case $name in
    demo) set_load 2000 300 150000 --skew 0.7 --viral-every 6s --viral-life 60s ;;
    blog) set_load 1000 1200 100000 --late-share 0.02 --change-share 0.001 --skew 0.7 --viral-every 6s --viral-life 60s ;;
    shop) set_load 200 7200 150000 --late-share 0.02 ;;
    pageviews) set_load 1000 600 100000 ;;
    ticks) set_load 1000 600 100000 --late-share 0.02 --late-max 2s ;;
    weather) set_load 100 14400 40000 --late-share 0.02 ;;
    *) die "NAME must be blog, shop, pageviews, ticks or weather, not '$name'" "make example NAME=shop" ;;
  esac
  [[ $name == demo ]] || load+=(--scenario "$name")
  [[ ${duration:-1} =~ ^[1-9][0-9]{0,6}$ ]] || die "DURATION must be a number of seconds, not '$duration'"
  [[ $rate =~ ^[1-9][0-9]{0,6}$ ]] || die "RATE must be a number of events a second, not '$rate'"
  [[ $port =~ ^[1-9][0-9]{3,4}$ && $port -gt 1023 && $port -lt 65536 ]] || die "PORT must be 1024 to 65535, not '$port'"
}

set_load() { # RATE PAST EVENTS OPTIONS...: so many events are dated in the PAST seconds before now
  rate=${RATE:-$1}
  past=$2
  past_events=$3
  load=(--seed "$RANDOM" "${@:4}")
}

# The lock is held as long as this script lives, so that a run that was killed is told from one that goes on.
open_folder() {
  mkdir -p "$folder" "$logs"
  [[ -O $folder ]] || die "$folder belongs to somebody else" "Choose another port: PORT=..."
  exec 9>"$folder/lock"
  { flock -w 3 9 && [[ /proc/self/fd/9 -ef $folder/lock ]]; } ||
    die "a demo or an example is running already on port $port" "Stop it with Ctrl-C, or choose another port: PORT=..."
  trap finish EXIT
  trap 'ending=1' INT TERM HUP PIPE
  stop_server # of a run that was killed; the load generator ends with it
  find "$folder" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
    die "port $port is taken by another program" "Choose another: PORT=$((port < 65000 ? port + 1 : 15432))"
}

build() {
  copy_server "$folder/server" "$PG_CONFIG"
  make -C "$repository" -j "$(nproc)" install PG_CONFIG="$programs/pg_config"
  build_cmake loadgen build/loadgen -DLOADGEN_TESTS=OFF
}

pg_ctl() { "${as_server[@]}" "$programs/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w "$@"; }

start_server() {
  install -d -m 700 "$folder"/{data,socket}
  head -c 64 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9' | head -c 12 | install -m 600 /dev/stdin "$folder/password"
  ! is_root || chown "$server_user" "$folder"/{socket,password,data}
  "${as_server[@]}" "$programs/initdb" -D "$folder/data" -U postgres --pwfile="$folder/password" \
    --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8 -E UTF8
  printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $port" "unix_socket_directories = '$folder/socket'" \
    'wal_level = logical' "shared_preload_libraries = 'trending'" 'max_wal_size = 512MB' >>"$folder/data/postgresql.conf"
  pg_ctl start || { cat "$folder/data/server.log" && return 1; }
}

stop_server() {
  [[ -e $folder/data/postmaster.pid ]] || return 0
  pg_ctl -m fast -t 15 stop >/dev/null 2>&1 || pg_ctl -m immediate -t 15 stop >/dev/null 2>&1 || true
  cp "$folder/data/server.log" "$logs/" 2>/dev/null || true
  say "Stopped the server and the load generator."
}

finish() {
  trap '' INT TERM HUP
  ! on_terminal || printf '\e[?25h'
  [[ -z $viewer ]] || kill -- "-$viewer" 2>/dev/null || true
  [[ -z $writer ]] || { kill "$writer" && wait "$writer"; } 2>/dev/null || true
  stop_server
  rm -rf "$folder"
}

# Starts a command in a process group of its own, where Ctrl-C does not reach it; sets `started`.
start() { # LOG COMMAND...
  set -m
  "${@:2}" >"$logs/$1.log" 2>&1 </dev/null 9>&- &
  started=$!
  set +m
}

# Runs a step with its output in a log, which is shown if it fails.
step() { # WHAT LOG COMMAND...
  local status=0
  say "$1"
  start "${@:2}"
  wait "$started" || status=$?
  ((!ending)) || { kill -- "-$started" 2>/dev/null || true; exit 0; }
  ((status == 0)) || { tail -n 25 "$logs/$2.log" >&2 && die "that failed; the whole log is $logs/$2.log"; }
}

psql() { "$programs/psql" -X -q -v ON_ERROR_STOP=1 "$@" 9>&-; }
run_loadgen() { "$loadgen" run --dbname "$conninfo" "${load[@]}" "$@"; }

write_past() { # at --rate 0 ten thousand events are written in a second of the generator's timetable
  run_loadgen --rate 0 --clients 1 --events "$past_events" --speed "$((past * 10000 / past_events))" \
    --start-time "$(date -u -d "$past seconds ago" +%FT%TZ)"
}

# The examples' trends are made before the rows, so that the windows of the past close as they fill; the demo's trend
# counts what is there.
fill_database() {
  if [[ $name == demo ]]; then
    "$loadgen" init --dbname "$conninfo" --posts 5000
    write_past
    psql -f "$sql/../top_posts.sql"
    psql -c "SELECT trending.track('view_events', 'post_id', 'viewed_at', name => 'rising_posts', label => 'posts.title', by => 'rising')"
  else
    psql -c 'CREATE EXTENSION trending' -f "$sql/schema.sql"
    "$loadgen" init --dbname "$conninfo" --scenario "$name"
    psql -f "$sql/trends.sql"
    write_past
  fi
  psql -c "SELECT trending.sync('60 seconds')"
}

# A window as well, where there is a display. The table does not wait for it to be built.
start_viewer() {
  [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} && ${VIEWER:-} != no ]] || return 0
  # shellcheck disable=SC2016 # for the shell that is started
  start viewer nice bash -c 'bash "$1/scripts/viewer.sh" && exec "$1/build/viewer/trending-viewer"' viewer "$repository"
  viewer=$started
}

on_terminal() { [[ -t 1 && ${TERM:-dumb} != dumb ]]; }

# The title is bold; ranks that rose are green, those that fell are red, new ones are blue.
paint() {
  local change='^( *[0-9]+ \|)( *X *)\|'
  sed -E -e $'1s/.*/\e[1m&\e[m/' -e "s/${change/X/[+][0-9]+}/\1"$'\e[32m\\2\e[m|/' \
    -e "s/${change/X/-[0-9]+}/\1"$'\e[31m\\2\e[m|/' -e "s/${change/X/new}/\1"$'\e[34m\\2\e[m|/'
}

# So many lines of the frame; if there are more, the last one says so.
cut_frame() { # LINES
  awk -v most="$1" '{ line[NR] = $0 }
    END {
      shown = NR > most ? most - 1 : NR
      for (i = 1; i <= shown; i++) print line[i]
      if (NR > most) printf "... %d more lines: a window of %d lines shows them\n", NR - shown, NR + 4
    }'
}

# The example's own queries; on a terminal as much of them as fits.
show_frame() {
  local frame lines
  frame=$(psql -P footer=off -P null=- -f "$sql/watch.sql") || return 1
  on_terminal || { printf '%s\n\n' "$frame" && return; }
  lines=$(($(tput lines 2>/dev/null || say 24) - 4)) # four are below the frame
  printf '\e[H\e[?7l'
  cut_frame "$((lines > 4 ? lines : 4))" <<<"$frame" | paint | sed $'s/$/\e[K/'
  printf '\e[?7h\e[K\nCtrl-C stops everything. To look inside:\e[K\n%s\e[K\n\e[J' \
    "psql postgresql://postgres:$(<"$folder/password")@localhost:$port"
}

watch() {
  local every=5 begin=$SECONDS
  ((${duration:-5} > 5)) || every=${duration:-5}
  ! on_terminal || { every=1 && printf '\e[?25l\e[2J'; }
  while ((!ending && (!${duration:-0} || SECONDS - begin < ${duration:-0}))); do
    kill -0 "$writer" 2>/dev/null || die "the load generator has ended" "$(tail -n 5 "$logs/loadgen.log")"
    show_frame || ((ending)) || die "the server does not answer; its log is $logs/server.log"
    sleep "$every" 9>&- & # a sleep that a signal interrupts
    wait $! || true
  done
  ((ending)) || show_frame
}

main() {
  choose_example
  choose_server
  require_packages make g++ cmake pkg-config libpq-dev libcli11-dev libfmt-dev
  programs=$folder/server$("$PG_CONFIG" --bindir)
  export PGHOST=$folder/socket PGPORT=$port PGUSER=postgres PGDATABASE=postgres
  conninfo="host=$PGHOST port=$port user=postgres dbname=postgres"
  open_folder
  step "Building the extension for PostgreSQL $(major_version_of "$PG_CONFIG") and the load generator" build build
  step "Starting a private server on port $port" start start_server
  step "Creating tables, rows and trends" fill fill_database
  start_viewer
  start loadgen run_loadgen --rate "$rate" --clients 2 --progress 10s
  writer=$started
  watch
}

main
