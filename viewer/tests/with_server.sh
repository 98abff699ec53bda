#!/usr/bin/env bash
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
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
fsync = off
CONF
"$folder/control" start >/dev/null
export PGHOST=$folder PGUSER=postgres PGDATABASE=postgres SERVER_CONTROL=$folder/control STAND_IN=$sql_file
unset PGPORT PGSERVICE
psql -X -q -v ON_ERROR_STOP=1 -f "$sql_file"
"$@"
