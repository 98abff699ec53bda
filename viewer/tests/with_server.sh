#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# with_server.sh SQL_FILE PROGRAM...: runs a program beside a private plain server that has run the file. The
# program finds the server through PGHOST and so on; $SERVER_CONTROL stop|start stops and starts it.
# Skipped (77; failed with VIEWER_TESTS_MAY_SKIP=no) where there is no server program.
set -euo pipefail

skip() {
  echo "skipped: $*"
  [[ ${VIEWER_TESTS_MAY_SKIP:-yes} != no ]] || exit 1
  exit 77
}
sql_file=$1
shift
bindir=$("${PG_CONFIG:-pg_config}" --bindir 2>/dev/null) || bindir=
[[ -x $bindir/initdb ]] || skip "no PostgreSQL server found through pg_config"
export PATH=$bindir:$PATH
folder=$(mktemp -d /tmp/viewer-test.XXXXXX)
as_server=()
if ((EUID == 0)); then
  id postgres >/dev/null 2>&1 || skip "root needs a user postgres"
  chown postgres "$folder"
  as_server=(runuser -u postgres --)
fi
cat >"$folder/control" <<CONTROL
#!/bin/sh
cd "$folder" && exec ${as_server[*]} "$bindir/pg_ctl" -D "$folder/data" -l "$folder/log" -m fast -w -t 30 "\$1"
CONTROL
chmod 755 "$folder" "$folder/control"
finish() {
  "$folder/control" stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT

(cd "$folder" && "${as_server[@]}" "$bindir/initdb" -D "$folder/data" -U postgres -A trust --no-sync \
  --locale=C.UTF-8 -E UTF8 >/dev/null)
# A certificate for localhost, signed by itself, and one that signed nothing here.
command -v openssl >/dev/null || skip "openssl is missing"
for name in server other; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$folder/$name.key" -out "$folder/$name.crt" 2>/dev/null
done
chmod 600 "$folder/server.key"
((EUID != 0)) || chown postgres "$folder/server.key"
sed -i '1i host all guarded localhost scram-sha-256' "$folder/data/pg_hba.conf"
start_on_free_port() { # ports below those that the system gives to others
  for _ in {1..20}; do
    port=$((20000 + RANDOM % 10000))
    cat >"$folder/data/postgresql.auto.conf" <<CONF
listen_addresses = 'localhost'
port = $port
unix_socket_directories = '$folder'
ssl = on
ssl_cert_file = '$folder/server.crt'
ssl_key_file = '$folder/server.key'
fsync = off
CONF
    ! "$folder/control" start >/dev/null 2>&1 || return 0
  done
  cat "$folder/log" >&2
  return 1
}
start_on_free_port
printf '[viewer-test]\nhost=localhost\nport=%s\ndbname=postgres\nuser=postgres\nsslmode=require\n' "$port" >"$folder/services"
printf 'localhost:%s:*:guarded:open sesame\n' "$port" >"$folder/pgpass"
chmod 600 "$folder/pgpass"
export PGSERVICEFILE=$folder/services PGPASSFILE=$folder/pgpass PGPORT=$port SERVER_CERTIFICATES=$folder
export PGHOST=$folder PGUSER=postgres PGDATABASE=postgres SERVER_CONTROL=$folder/control STAND_IN=$sql_file
unset PGSERVICE
psql -X -q -v ON_ERROR_STOP=1 -f "$sql_file"
"$@"
