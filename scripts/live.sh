# shellcheck shell=bash
# A private PostgreSQL with the extension, a load generator that writes to it, and something to see until Ctrl-C, or
# for DURATION seconds: what demo.sh and example.sh have in common. Then everything that was started is stopped and its
# data removed. The system's own PostgreSQL is not touched: all of this runs on a private copy of its programs.
#
# Sourced. The script that sources it calls run_live, and has these functions for it:
#   fill_database   makes tables, trends and the rows that are there at the beginning
#   start_load      calls start_loadgen with the options of the load
#   start_viewer    opens a window, or does nothing
#   show_frame      shows the present state; called every second on a terminal, else every five

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

goal=           # what make is asked for: "demo", "example NAME=shop"
duration=${DURATION:-}
port=${PORT:-15432}
rate=${RATE:-}
seed=$RANDOM
log_folder=     # below build/
filling=        # what fill_database creates: "blog and the trend"
folder=         # everything that runs: data, server, socket, logs
loadgen=        # process of the load generator
viewer=         # process of the viewer, first of its build
server_started=
ending=         # set by a signal
started=        # process that start() started

# --- checks before anything is done --------------------------------------------------------------

check_arguments() {
  [[ -z $duration || $duration =~ ^[1-9][0-9]{0,6}$ ]] || die "DURATION must be a number of seconds, not '$duration'"
  if ! [[ $port =~ ^[1-9][0-9]{3,4}$ ]] || ((port < 1024 || port > 65535)); then
    die "PORT must be a number from 1024 to 65535, not '$port'"
  fi
  [[ $rate =~ ^[1-9][0-9]{0,6}$ ]] || die "RATE must be a number of events a second, not '$rate'"
}

check_port() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
    die "port $port is taken by another program" "Choose another: make $goal PORT=$((port < 65000 ? port + 1 : 15432))"
}

# --- the folder ----------------------------------------------------------------------

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

# Held as long as this script lives, so that one that was killed is told from one that runs.
lock_folder() {
  exec 9>"$folder/lock"
  { flock -w 3 9 && [[ /proc/self/fd/9 -ef $folder/lock ]]; } ||
    die "a demo or an example is running already on port $port" \
      "Stop it with Ctrl-C, or choose another port: make $goal PORT=..."
}

# What one that was killed may have left running.
stop_leftovers() {
  local pid
  if read -r pid <"$folder/loadgen.pid" && [[ $(cat "/proc/$pid/comm") == trending-load* ]]; then
    kill "$pid"
  fi 2>/dev/null || true
  if read -r pid <"$folder/data/postmaster.pid" && [[ $(readlink "/proc/$pid/cwd") == "$folder/data" ]]; then
    say "Stopping the server that an earlier run left behind"
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

# --- what is shown -------------------------------------------------------------------------------

on_terminal() { [[ -t 1 && ${TERM:-dumb} != dumb ]]; }

show_cursor() { ! on_terminal || printf '\e[?25h'; }

psql_command() { say "psql postgresql://postgres:$password@localhost:$port"; }

# Starts the load, which the connection and the seed are added to.
start_loadgen() { # OPTIONS...
  start "$log_folder/loadgen.log" "$loadgen_program" run --dbname "$conninfo" --seed "$seed" --progress 10s "$@"
  loadgen=$started
  say "$loadgen" >"$folder/loadgen.pid"
}

check_loadgen() {
  ((ending)) || kill -0 "$loadgen" 2>/dev/null || {
    tail -n 5 "$log_folder/loadgen.log" >&2
    die "the load generator has ended; its log is $log_folder/loadgen.log"
  }
}

# What show_frame ends with: how to look inside, and on a terminal how to end.
show_foot() {
  if on_terminal; then
    printf '\e[K\n%s\e[K\n' "Ctrl-C stops everything. To look inside:" "$(psql_command)"
    printf '\e[J'
  else
    printf '\n'
  fi
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

run_live() {
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
  step "Creating the $filling" fill fill_database
  start_load
  start_viewer
  watch
}
