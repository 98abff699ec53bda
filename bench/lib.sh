# SPDX-License-Identifier: PostgreSQL
# shellcheck shell=bash
# What the benchmarks with a server share: a private cluster of PG_CONFIG's server, queries, the worker's time.
# To be sourced.
#
#   prepare NAME               an empty folder $work, which goes at the end together with the server in it
#   start_server [LINE …]      a cluster there with trending preloaded, LINEs added to its configuration
#   query STATEMENT [OPTION …] prints the result; without arguments the statements are read from standard input
#   make_loader COLUMNS VALUES procedure load_rows(source, n, size): n rows in transactions of `size`
#   cost CALL                  the worker's processor time, in microseconds, for what CALL writes meanwhile
set -euo pipefail

export PG_CONFIG=${PG_CONFIG:-pg_config}
bin=$("$PG_CONFIG" --bindir)
work=

as_server() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }

query() {
  local statement=()
  [[ $# == 0 ]] || statement=(-c "$1" "${@:2}")
  "$bin/psql" -XqAt -v ON_ERROR_STOP=1 -h "$work" -U postgres -d postgres "${statement[@]}"
}

clean_up() {
  as_server "$bin/pg_ctl" -D "$work/data" -m immediate -s stop 2>/dev/null || true
  rm -rf "$work"
}

prepare() {
  work=$(mktemp -d "/var/tmp/trending-$1.XXXXXX")
  trap clean_up EXIT
  [[ $(id -u) != 0 ]] || chown postgres "$work"
  chmod 755 "$work"
}

start_server() {
  as_server "$bin/initdb" -D "$work/data" -U postgres -A trust >/dev/null
  printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work'" 'wal_level = logical' \
    "shared_preload_libraries = 'trending'" "$@" | as_server tee -a "$work/data/postgresql.conf" >/dev/null
  as_server "$bin/pg_ctl" -D "$work/data" -l "$work/server.log" -w -s start
}

# For configurations: nothing of the server's own but what is measured.
# shellcheck disable=SC2034  # used where this is sourced
undisturbed=('fsync = off' 'max_wal_size = 20GB' 'checkpoint_timeout = 1h' 'autovacuum = off' 'shared_buffers = 1GB'
  'trending.checkpoint_interval = 1h')

# Every row is VALUES, an expression for each of COLUMNS.
make_loader() { # COLUMNS VALUES
  query "CREATE PROCEDURE load_rows(source regclass, n int, size int) LANGUAGE plpgsql AS \$\$
         BEGIN FOR i IN 1..n / size LOOP
           EXECUTE format('INSERT INTO %s ($1) SELECT $2 FROM generate_series(1, %s)', source, size);
           COMMIT;
         END LOOP; END \$\$"
}

processor_micros() { awk '{ print int($1 / 1000) }' "/proc/$1/schedstat"; }

worker_pid() { query "SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending worker'"; }

cost() {
  local worker started
  worker=$(worker_pid)
  query "SELECT trending.sync('10 min')" >/dev/null
  kill -STOP "$worker"
  query "$1"
  started=$(processor_micros "$worker")
  kill -CONT "$worker"
  query "SELECT trending.sync('10 min')" >/dev/null
  echo $(($(processor_micros "$worker") - started))
}
