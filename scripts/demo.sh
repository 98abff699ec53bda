#!/usr/bin/env bash
# The live top 10 of a blog under load: make demo [DURATION=seconds] [PORT=number]
#
# Installs what is missing (apt), builds, starts a private PostgreSQL with the extension and a load
# generator, and shows the ranking every second until Ctrl-C, or for DURATION seconds. Then everything it
# started is stopped and its data removed. The system's own PostgreSQL is not touched: the demo runs on a
# private copy of its programs.
#   PORT       where the private server listens on localhost (15432)
#   RATE       page views a second (2000)
#   PG_CONFIG  which server, if not the newest installed
#   VIEWER=no  no window, although there is a display
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

duration=${DURATION:-}
port=${PORT:-15432}
rate=${RATE:-2000}
seed=$RANDOM
log_folder=$repository/build/demo
folder=         # everything of the running demo: data, server, socket, logs
loadgen=        # process of the load generator
viewer=         # process of the viewer, first of its build
server_started=
ending=         # set by a signal
started=        # process that start() started
last_seen=      # of the frame before: clock and events counted

# --- checks before anything is done --------------------------------------------------------------

check_arguments() {
  [[ -z $duration || $duration =~ ^[1-9][0-9]{0,6}$ ]] || die "DURATION must be a number of seconds, not '$duration'"
  if ! [[ $port =~ ^[1-9][0-9]{3,4}$ ]] || ((port < 1024 || port > 65535)); then
    die "PORT must be a number from 1024 to 65535, not '$port'"
  fi
  [[ $rate =~ ^[1-9][0-9]{0,6}$ ]] || die "RATE must be a number of views a second, not '$rate'"
}

check_port() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
    die "port $port is taken by another program" "Choose another: make demo PORT=$((port < 65000 ? port + 1 : 15432))"
}

# --- the folder of the demo ----------------------------------------------------------------------

# Whether the server's user can work below a folder: it may be in a home that others cannot enter, on a
# filesystem without owners, or too deep for a socket's name.
suits_server() {
  local candidate=$1 probe=$1/probe
  ((${#candidate} <= 80)) || return 1
  mkdir -p "$candidate" 2>/dev/null && [[ -O $candidate ]] || return 1
  rm -rf "$probe"
  mkdir "$probe" 2>/dev/null || return 1
  local status=0
  # shellcheck disable=SC2016 # expanded by the shell that is started
  { ! is_root || chown "$(server_user)" "$probe"; } 2>/dev/null &&
    as_server sh -c 'cd "$1" && chmod 700 . && touch file' sh "$probe" 2>/dev/null &&
    [[ $(stat -c %a "$probe") == 700 ]] || status=1
  rm -rf "$probe"
  ((status == 0)) || rmdir "$candidate"
  return $status
}

choose_folder() {
  folder=$repository/.demo/$port
  if ! suits_server "$folder"; then
    folder=/var/tmp/trending-demo-$EUID-$port
    suits_server "$folder" || die "no folder found where PostgreSQL can run as user $(server_user)" \
      "Tried $repository/.demo and $folder."
  fi
}

# Held as long as this script lives, so that a demo that was killed is told from one that runs.
lock_folder() {
  exec 9>"$folder/lock"
  { flock -w 3 9 && [[ /proc/self/fd/9 -ef $folder/lock ]]; } ||
    die "a demo is running already on port $port" \
      "Stop it with Ctrl-C, or choose another port: make demo PORT=..."
}

# What a demo that was killed may have left running.
stop_leftovers() {
  local pid
  if read -r pid <"$folder/loadgen.pid" && [[ $(cat "/proc/$pid/comm") == trending-load* ]]; then
    kill "$pid"
  fi 2>/dev/null || true
  if read -r pid <"$folder/data/postmaster.pid" && [[ $(readlink "/proc/$pid/cwd") == "$folder/data" ]]; then
    say "Stopping the server that an earlier demo left behind"
    kill -QUIT "$pid"
    while kill -0 "$pid"; do sleep 0.1; done
  fi 2>/dev/null || true
}

clear_folder() { find "$folder" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +; }

# --- build and start -----------------------------------------------------------------------------

# Starts a command in a process group of its own, where Ctrl-C does not reach it; sets `started`.
start() { # LOG COMMAND...
  local log=$1
  shift
  set -m
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  started=$!
  set +m
}

# Runs a step with its output in a log, shown if it fails.
step() { # WHAT LOG COMMAND...
  local what=$1 log=$log_folder/$2.log status=0
  shift 2
  say "$what"
  start "$log" "$@"
  wait "$started" || status=$?
  if ((ending)); then
    kill -- "-$started" 2>/dev/null || true
    exit 0
  fi
  ((status == 0)) || {
    tail -n 25 "$log" >&2
    die "that failed; the whole log is $log"
  }
}

build_extension() {
  PG_CONFIG=$(copy_server "$folder/server" "$PG_CONFIG")
  make -C "$repository" -j "$(jobs_for_make)" install PG_CONFIG="$PG_CONFIG"
}

build_loadgen() {
  local build=$repository/build/demo-loadgen
  local -a configure=(cmake -S "$repository/loadgen" -B "$build" -DCMAKE_BUILD_TYPE=Release -DLOADGEN_TESTS=OFF)
  # A cache from before the clone was moved is of no use.
  "${configure[@]}" || { rm -rf "$build" && "${configure[@]}"; }
  cmake --build "$build" -j "$(jobs_for_make)" --target trending-loadgen
}

server_program() { say "$folder/server$("$PG_CONFIG" --bindir)/$1"; }

init_server() {
  mkdir -p "$folder/socket"
  install -m 600 /dev/null "$folder/password"
  head -c 64 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9' | head -c 12 >"$folder/password"
  install -d -m 700 "$folder/data"
  : >"$folder/server.log"
  ! is_root || chown -R "$(server_user)" "$folder"/{socket,password,data,server.log}
  chmod 700 "$folder/socket"
  as_server "$(server_program initdb)" -D "$folder/data" -U postgres --pwfile="$folder/password" \
    --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8 -E UTF8
  cat >>"$folder/data/postgresql.conf" <<-CONF
	listen_addresses = '127.0.0.1'
	port = $port
	unix_socket_directories = '$folder/socket'
	wal_level = logical
	shared_preload_libraries = 'trending'
	max_wal_size = 512MB
	CONF
}

start_server() {
  as_server "$(server_program pg_ctl)" -D "$folder/data" -l "$folder/server.log" -w -t 60 start ||
    {
      cat "$folder/server.log"
      return 1
    }
}

run_psql() { "$psql" -X -q -v ON_ERROR_STOP=1 "$@" 9>&-; }

write_views() { # FURTHER OPTIONS...
  "$loadgen_program" run --dbname "$conninfo" --skew 0.7 --seed "$seed" "$@"
}

# The blog as it was when the demo began: five quiet minutes, which the trend counts when it is created.
fill_database() {
  "$loadgen_program" init --dbname "$conninfo" --posts 5000
  write_views --rate 0 --events 150000 --viral-every 0 --start-time "$(date -u -d '300 seconds ago' +%FT%TZ)" --speed 20
  run_psql -f "$repository/examples/top_posts.sql" -c "SELECT trending.sync('30 seconds')"
}

# Then posts go viral often, so that ranks change while one looks.
start_loadgen() {
  start "$log_folder/loadgen.log" write_views --rate "$rate" --clients 2 \
    --viral-every 6s --viral-life 60s --progress 10s
  loadgen=$started
  say "$loadgen" >"$folder/loadgen.pid"
}

# A window as well, where there is a display. The table does not wait for it to be built.
start_viewer() {
  [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} && ${VIEWER:-yes} != no ]] || return 0
  # shellcheck disable=SC2016 # expanded by the shell that is started
  start "$log_folder/viewer.log" nice bash -c \
    'bash "$1/scripts/viewer.sh" && exec "$1/build/viewer/trending-viewer" --trend top_posts' viewer "$repository"
  viewer=$started
}

# --- stop ----------------------------------------------------------------------------------------

stop_all() {
  trap '' INT TERM HUP
  show_cursor
  [[ -z $viewer ]] || kill -- "-$viewer" 2>/dev/null || true
  if [[ -n $loadgen ]]; then
    kill "$loadgen" 2>/dev/null || true
    wait "$loadgen" 2>/dev/null || true
  fi
  if [[ -n $server_started ]]; then
    as_server "$(server_program pg_ctl)" -D "$folder/data" -m fast -w -t 15 stop >/dev/null 2>&1 ||
      as_server "$(server_program pg_ctl)" -D "$folder/data" -m immediate -w -t 15 stop >/dev/null 2>&1 || true
    cp "$folder/server.log" "$log_folder/server.log" 2>/dev/null || true
    say "Stopped the server and the load generator."
  fi
  if [[ -n $folder && -e $folder/lock ]] && flock -n 9; then
    clear_folder
    rm -f "$folder/lock"
    rmdir "$folder" "$repository/.demo" 2>/dev/null || true
  fi
}

# --- the table -----------------------------------------------------------------------------------

on_terminal() { [[ -t 1 && ${TERM:-dumb} != dumb ]]; }

show_cursor() { ! on_terminal || printf '\e[?25h'; }

arrows() {
  if [[ $(locale charmap 2>/dev/null) == UTF-8 ]]; then say '▲ ▼'; else say '+ -'; fi
}

# One round trip: how long until all that is committed now is visible, the trend's counters, the ranking.
read_frame() {
  run_psql -At -F $'\t' -v width="$1" <<-'SQL'
	SELECT clock_timestamp() AS asked, trending.sync('5 seconds') AS position \gset
	SELECT 'trend', extract(epoch FROM clock_timestamp()), events, live_groups,
	       to_char(window_start, 'HH24:MI:SS'), to_char(window_end, 'HH24:MI:SS'),
	       round(1000 * extract(epoch FROM clock_timestamp() - :'asked'::timestamptz), 1)
	FROM   trending.status WHERE trend = 'top_posts';
	SELECT 'post', rank, key, value, left(label, :width) FROM trending.top('top_posts', 200);
	SQL
}

# Arguments: escape codes or not, the frame that ranks are compared with, the frame to show.
render_frame() {
  awk -F '\t' -v seen="$last_seen" -v arrows="$(arrows)" -v escapes="$1" '
    function thousands(n,    s) {
      s = sprintf("%d", n)
      while (match(s, /[0-9][0-9][0-9][0-9](,|$)/)) s = substr(s, 1, RSTART) "," substr(s, RSTART + 1)
      return s
    }
    function paint(code, text) { return escapes ? "\033[" code "m" text "\033[0m" : text }
    function change(rank, key) {
      if (!(key in before)) return paint(36, " new")
      if (before[key] > rank) return paint(32, sprintf(" %s%-2d", arrow[1], before[key] - rank))
      if (before[key] < rank) return paint(31, sprintf(" %s%-2d", arrow[2], rank - before[key]))
      return "    "
    }
    function line(text) { print text (escapes ? "\033[K" : "") }
    BEGIN { split(arrows, arrow, " "); split(seen, old, " ") }
    FNR == 1 { file++ }
    file == 1 { if ($1 == "post") before[$3] = $2; next }
    $1 == "trend" {
      speed = seen == "" || $2 <= old[1] ? "" : sprintf(", %s a second", thousands(($3 - old[2]) / ($2 - old[1])))
      line(paint(1, "Most viewed posts") ($5 == "" ? "" : "   window " $5 " - " $6 ", moves every 10 s"))
      line(thousands($3) " views" speed "; " thousands($4) " posts; visible " $7 " ms after commit")
      line("")
      line(paint(1, "  #           views  post"))
    }
    $1 == "post" && $2 <= 10 { line(sprintf("%3d %s %10s  %s", $2, change($2 + 0, $3), thousands($4), $5)) }
    ' "$2" "$3"
}

window_of() { awk -F '\t' '$1 == "trend" { print $5 }' "$1"; }

# Ranks are compared with those before the window moved last, or with the first ones seen.
keep_frame() {
  if [[ ! -e $folder/latest ]]; then
    cp "$folder/frame" "$folder/compared"
  elif [[ $(window_of "$folder/latest") != "$(window_of "$folder/frame")" ]]; then
    mv "$folder/latest" "$folder/compared"
  fi
  cp "$folder/frame" "$folder/latest"
}

show_frame() {
  local escapes='' width=60
  if on_terminal; then
    escapes=1
    width=$(($(tput cols 2>/dev/null || say 80) - 22))
  fi
  read_frame "$((width > 10 ? width : 10))" >"$folder/frame" || return 1
  keep_frame
  [[ -z $escapes ]] || printf '\e[H'
  render_frame "$escapes" "$folder/compared" "$folder/frame"
  last_seen=$(awk -F '\t' '$1 == "trend" { print $2, $3 }' "$folder/frame")
  if [[ -n $escapes ]]; then
    printf '\e[K\n%s\e[K\n' 'Ctrl-C stops the demo. To look inside:' "$(psql_command)"
    printf '\e[J'
  else
    printf '\n'
  fi
}

psql_command() { say "psql postgresql://postgres:$password@localhost:$port"; }

check_loadgen() {
  ((ending)) || kill -0 "$loadgen" 2>/dev/null || {
    tail -n 5 "$log_folder/loadgen.log" >&2
    die "the load generator has ended; its log is $log_folder/loadgen.log"
  }
}

# A sleep that a signal interrupts.
pause() {
  sleep "$1" 9>&- &
  wait $! || true
}

watch() {
  local every=5 begin=$SECONDS
  ! on_terminal || every=1
  ! on_terminal || printf '\e[?25l\e[2J'
  while ((!ending)); do
    [[ -z $duration ]] || ((SECONDS - begin < duration)) || break
    check_loadgen
    show_frame || { ((ending)) || die "the server does not answer; its log is $folder/server.log"; }
    if [[ -n $duration ]] && ((duration - (SECONDS - begin) < every)); then
      pause "$((duration - (SECONDS - begin)))"
    else
      pause "$every"
    fi
  done
  ((ending)) || show_frame
}

main() {
  check_arguments
  choose_server
  require_packages make g++ cmake pkg-config libpq-dev libcli11-dev libfmt-dev
  mkdir -p "$log_folder"
  choose_folder
  lock_folder
  trap stop_all EXIT
  trap 'ending=1' INT TERM HUP
  stop_leftovers
  clear_folder
  check_port

  step "Building the extension for PostgreSQL $(major_version_of "$PG_CONFIG")" extension build_extension
  step "Building the load generator" loadgen-build build_loadgen
  local psql loadgen_program password conninfo
  psql=$(server_program psql)
  loadgen_program=$repository/build/demo-loadgen/trending-loadgen
  step "Making a private server in $folder" initdb init_server
  password=$(cat "$folder/password")
  export PGHOST=$folder/socket PGPORT=$port PGUSER=postgres PGDATABASE=postgres
  conninfo="host=$PGHOST port=$port user=postgres dbname=postgres"
  ((!ending)) || exit 0
  server_started=1
  step "Starting it on port $port" start start_server
  step "Creating the blog and the trend" blog fill_database
  start_loadgen
  start_viewer
  watch
}

case ${1:-} in
  '') main ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d'
    [[ $1 == --help ]]
    ;;
esac
