#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The blog: waits for the server, makes tables, posts and the trend where they are missing, then writes views.
# The server is named by PGHOST, PGUSER, PGPASSWORD ...; arguments go to `trending-loadgen run`.
set -euo pipefail

for _ in {1..120}; do
  pg_isready -q && break
  sleep 1
done
trending-loadgen init --posts "${POSTS:-5000}"
psql -qX -v ON_ERROR_STOP=1 -f /usr/local/share/trending/top_posts.sql
exec trending-loadgen run --reconnect "$@"
