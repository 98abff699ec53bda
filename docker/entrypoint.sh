#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Starts PostgreSQL with trending; makes the cluster first if the volume has none.
#
#   POSTGRES_PASSWORD  of the superuser postgres; needed the first time
#   POSTGRES_DB        a database to create the first time, if not postgres
#   PGDATA             the cluster; below /var/lib/postgresql, where images of the major have theirs
# Arguments are the server's: docker run … trending postgres -c work_mem=64MB
set -euo pipefail

major=$(postgres --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
((major >= 18)) && default=/var/lib/postgresql/$major/docker || default=/var/lib/postgresql/data/main
export PGDATA=${PGDATA:-$default}

make_cluster() {
  local new=$PGDATA.new
  [[ -n ${POSTGRES_PASSWORD:-} ]] || {
    echo 'error: the volume is empty and POSTGRES_PASSWORD is not set' >&2
    exit 1
  }
  rm -rf "$new"
  mkdir -p "${PGDATA%/*}"
  initdb -D "$new" -U postgres --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth-local=trust --auth-host=scram-sha-256 --locale=C.UTF-8 -E UTF8
  cat >>"$new/postgresql.conf" <<-'CONF'
	listen_addresses = '*'
	wal_level = logical
	shared_preload_libraries = 'trending'
	CONF
  echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
  if [[ ${POSTGRES_DB:-postgres} != postgres ]]; then
    printf 'CREATE DATABASE "%s"\n' "${POSTGRES_DB//\"/\"\"}" |
      postgres --single -D "$new" -c shared_preload_libraries='' postgres >/dev/null
  fi
  mv "$new" "$PGDATA"
}

if [[ ${1:-postgres} == postgres ]]; then
  [[ -f $PGDATA/PG_VERSION ]] || make_cluster
  exec postgres -D "$PGDATA" "${@:2}"
fi
exec "$@"
