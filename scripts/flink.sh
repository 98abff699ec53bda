#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# What trending.to_flink_sql writes, on a real Flink beside the trends: make check-flink
#
# Makes the trends of all examples in a private PostgreSQL, has Flink carry out the jobs of those that it can express,
# over the same tables, under updates and deletes, and compares row by row with history, or with the trend where it has
# no windows. Fetches Flink 1.20 and its connectors (PyPI, Maven; 250 MB, kept in .cache/flink). Takes some minutes.
#   PG_CONFIG  which server, if not the newest installed
#   LIMIT      seconds until the rows must be equal (600)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cache=$repository/.cache/flink
logs=$repository/build/flink
sources=$repository/test/flink
folder=$(mktemp -d /var/tmp/trending-flink.XXXXXX)
port=$((20000 + RANDOM % 20000))
job=''

finish() {
  [[ -z $job ]] || { kill "$job" && wait "$job"; } 2>/dev/null || true
  "${as_server[@]}" "$programs/pg_ctl" -D "$folder/data" -m immediate -s stop 2>/dev/null || true
  rm -rf "$folder"
}

fetch_flink() {
  command -v javac >/dev/null || require_packages default-jdk-headless
  command -v mvn >/dev/null || require_packages maven
  command -v pip >/dev/null || require_packages python3-pip
  command -v envsubst >/dev/null || require_packages gettext-base
  mkdir -p "$cache" "$logs"
  if [[ ! -d $cache/jars ]]; then
    pip -q download --no-deps -d "$cache" apache-flink-libraries==1.20.5
    mvn -q -f "$sources/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/new" -DexcludeTransitive=true
    tar -C "$cache" -xzf "$cache"/apache?flink?libraries-1.20.5.tar.gz
    cp "$cache"/apache?flink?libraries-1.20.5/deps/lib/*.jar "$cache/new/"
    rm -rf "$cache"/apache*
    mv "$cache/new" "$cache/jars"
  fi
  javac -cp "$cache/jars/*" -d "$logs" "$sources/RunJob.java"
}

start_server() {
  copy_server "$folder/server" "$PG_CONFIG"
  programs=$folder/server$("$PG_CONFIG" --bindir)
  make -s -C "$repository" -j "$(nproc)" install PG_CONFIG="$programs/pg_config" >"$logs/build.log" 2>&1
  chmod 755 "$folder"
  install -d -m 700 "$folder"/{data,socket}
  ! is_root || chown "$server_user" "$folder"/{data,socket}
  "${as_server[@]}" "$programs/initdb" -D "$folder/data" -U postgres -A trust --locale=C.UTF-8 -E UTF8 >/dev/null
  printf '%s\n' "listen_addresses = '127.0.0.1'" "port = $port" "unix_socket_directories = '$folder/socket'" 'fsync = off' \
    'wal_level = logical' "shared_preload_libraries = 'trending'" 'max_replication_slots = 50' 'max_wal_senders = 50' \
    'max_connections = 200' >>"$folder/data/postgresql.conf"
  "${as_server[@]}" "$programs/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w -s start
}

psql() { "$programs/psql" -X -q -At -v ON_ERROR_STOP=1 -h "$folder/socket" -p "$port" -U postgres postgres "$@"; }

# Clocks that rows alone move, as in Flink.
make_trends() {
  local example
  psql -c 'CREATE EXTENSION trending; SET client_min_messages = warning'
  for example in blog pageviews shop ticks weather; do
    PGOPTIONS='-c client_min_messages=warning' psql -f "$repository/examples/$example/schema.sql" -f "$repository/examples/$example/trends.sql" >/dev/null
  done
  PGOPTIONS='-c client_min_messages=warning' psql -f "$sources/trends.sql" >/dev/null
  psql -c "SELECT trending.alter_trend(relation, idle_timeout => '1 day') FROM trending.trend" -f "$sources/data.sql" \
    -c "SELECT trending.sync('1 min')" >/dev/null
}

# The trends that Flink has no equal of are named with the reason.
write_job() {
  psql -f "$sources/expressible.sql" >"$logs/trends"
  grep '^no ' "$logs/trends" || true
  psql -c "SELECT trending.to_flink_sql(VARIADIC ARRAY[$(sed -n "s/^yes \(.*\)/'\1'/p" "$logs/trends" | paste -sd,)]::regclass[])" |
    PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGPASSWORD=none envsubst >"$logs/job.sql"
  sed -n 's/^-- psql: //p' "$logs/job.sql" | psql
}

waited() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1))
  until "${@:2}"; do
    kill -0 "$job" 2>/dev/null || { tail -n 40 "$logs/flink.log" >&2 && die "the job ended"; }
    ((SECONDS < end)) || return 1
    sleep 1
  done
}

# A source has read its table when its slot is in use.
sources_follow() {
  [[ $(psql -c "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'flink%' AND active") == $(grep -c "'slot.name'" "$logs/job.sql") ]]
}

is_equal() {
  psql -f "$sources/compare.sql" >"$logs/compared" && [[ -s $logs/compared ]] || return 1
  ! grep -qv '|0$' "$logs/compared"
}

report() {
  local trend rows differences
  while IFS='|' read -r trend rows differences; do
    if ((differences == 0 && rows > 0)); then say "pass $trend: $rows rows"; else say "FAIL $trend: $differences differences, $rows rows"; fi
  done <"$logs/compared"
}

choose_server
trap finish EXIT
programs=$("$PG_CONFIG" --bindir)
fetch_flink
start_server
make_trends
write_job
java -Xmx1500m -XX:MaxDirectMemorySize=2g --add-opens=java.base/java.util=ALL-UNNAMED --add-opens=java.base/java.lang=ALL-UNNAMED \
  -Dlog4j.configurationFile="$sources/log.properties" -cp "$logs:$cache/jars/*" RunJob "$logs/job.sql" >"$logs/flink.log" 2>&1 </dev/null &
job=$!
waited "${LIMIT:-600}" sources_follow || die "the sources do not follow; see $logs/flink.log"
psql -f "$sources/changes.sql" -c "SELECT trending.sync('1 min')" >/dev/null
waited "${LIMIT:-600}" is_equal || true
report | tee "$logs/report"
say "$(grep -c '^pass' "$logs/report") passed, $(grep -c '^FAIL' "$logs/report") failed"
! grep -q '^FAIL' "$logs/report"
