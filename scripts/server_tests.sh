#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# One stage of the tests that need a server, for check.sh, as the server's user: server_tests.sh SCRATCH PG_CONFIG STAGE
#
# SCRATCH/tree is a copy of the tree that the user owns. The first stage, `install`, makes a private copy of the server
# of PG_CONFIG in SCRATCH/server with the extension in it. check.sh describes the variables.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scratch=$1 original=$2 stage=$3 tree=$1/tree
bin=$scratch/server$("$original" --bindir)
export PG_CONFIG=$bin/pg_config PGHOST=$scratch/socket PGPORT=54329 PGUSER=postgres PGDATABASE=postgres
export HOME=$scratch LC_ALL=C.UTF-8 PATH=$bin:$PATH
cd "$tree"

stop_servers() {
  local pid
  while read -r pid; do
    ! kill -QUIT "$pid" 2>/dev/null || timeout 5 tail --pid="$pid" -f /dev/null || true
  done < <(find "$scratch" -maxdepth 6 -name postmaster.pid -exec head -qn 1 {} + 2>/dev/null)
}

do_install() {
  copy_server "$scratch/server" "$original"
  make -j "$(nproc)" "${VARIANT^^}=1" install
  say 'pass install'
  [[ $VARIANT == sanitize ]] || return 0
  # The library's sanitizer must be there when the server starts, and its programs need not know.
  mv "$bin/postgres" "$bin/postgres.bare"
  # shellcheck disable=SC2016 # for the shell that starts the server
  printf '%s\n' '#!/bin/bash' "export LD_PRELOAD=$(g++ -print-file-name=libasan.so) UBSAN_OPTIONS=print_stacktrace=1" \
    'export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:detect_odr_violation=0' 'exec -a "$0" "$0.bare" "$@"' >"$bin/postgres"
  chmod +x "$bin/postgres"
}

start_server() {
  rm -rf "$scratch/data"
  mkdir -p "$PGHOST"
  initdb -D "$scratch/data" -U postgres -A trust --locale=C.UTF-8 -E UTF8 --no-sync
  printf '%s\n' "shared_preload_libraries = 'trending'" 'wal_level = logical' 'max_worker_processes = 24' \
    'max_replication_slots = 24' 'max_wal_senders = 12' 'max_connections = 60' "listen_addresses = ''" \
    "unix_socket_directories = '$PGHOST'" "port = $PGPORT" 'fsync = off' "log_line_prefix = '%m [%p] %b %q%d '" \
    >>"$scratch/data/postgresql.conf"
  pg_ctl -D "$scratch/data" -l "$scratch/logs/server-$stage.log" -w -t 60 start
}

installcheck() { # VARIABLES...: empty for what is left out
  start_server
  make installcheck "${VARIANT^^}=1" TAP_TESTS= "$@" ||
    { cat regression.diffs output_iso/regression.diffs 2>/dev/null; return 1; }
}

do_regress() { installcheck ISOLATION=; }
do_isolation() { installcheck REGRESS=; }

# A database of its own for each file, with the extension in it.
do_pgtap() {
  local file database status=0
  start_server
  for file in test/pgtap/*.sql; do
    database=pgtap_$(basename "$file" .sql)
    psql -qX -v ON_ERROR_STOP=1 -c "CREATE DATABASE $database"
    psql -qX -v ON_ERROR_STOP=1 -d "$database" -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION trending'
    pg_prove -v -d "$database" "$file" || status=1
  done
  return $status
}

# As PGXS does it, but several files at a time, each one's output in one piece: most of them wait most of the time.
# A file that ends early leaves no "not ok" behind: it is a failure of its own, shown with the end of its own log.
do_tap() {
  local harness
  harness=$(dirname "$(pg_config --pgxs)")/../test
  export TESTDIR=$tree TESTDATADIR=$tree/tmp_check TESTLOGDIR=$tree/tmp_check/log top_builddir=$tree
  export PG_REGRESS=$harness/regress/pg_regress PERL5LIB=$harness/perl:$tree/test/perl
  mkdir -p tmp_check/output
  # shellcheck disable=SC2016,SC2086 # expanded by the shells that xargs starts; several names or a pattern
  printf '%s\n' ${PROVE_TESTS:-test/t/*.pl} | xargs -P "${TAP_JOBS:-2}" -I{} bash -c '
    name=$(basename {} .pl)
    prove -v {} >"tmp_check/output/$name.log" 2>&1 && verdict=DONE || verdict=FAIL
    cat "tmp_check/output/$name.log"
    [[ $verdict == DONE ]] || tail -n 15 "$TESTLOGDIR/regress_log_$name"
    ! grep -q "^not ok" "tmp_check/output/$name.log" || verdict=DONE
    echo "$verdict $name, $SECONDS s"
    [[ $verdict == DONE ]]'
}

# What the benchmarks compare with builds, and runs.
do_bench() {
  bench/drain/run.sh 1000 20000
  say 'pass bench/drain'
}

# Every SQL block of the pages is run, every link is checked. The site is made where its generator is.
do_docs() {
  local status=0
  start_server
  /usr/bin/python3 test/docs/run.py --psql "$bin/psql" || status=1
  ! command -v mkdocs >/dev/null || { bash docs/site.sh && say 'pass site'; } || { say 'FAIL site' && status=1; }
  return $status
}

# A real Prometheus, with the exporters, scrapes the server.
do_monitoring() { start_server && /usr/bin/python3 test/monitoring/run.py --tools "$scratch/monitoring"; }

# shellcheck disable=SC2086 # several options
do_fuzz() { /usr/bin/python3 test/fuzz/fuzz.py --pg-config "$PG_CONFIG" ${FUZZ:---seed 1 --episodes 8}; }

# shellcheck disable=SC2086 # several options
do_soak() { /usr/bin/python3 test/soak/soak.py --pg-config "$PG_CONFIG" --out "$scratch/logs/soak" ${SOAK:---hours 0.012}; }

# All servers have ended by now, and so has what they counted.
measure_coverage() { gcovr -r . -f src/ "build/pg"*-coverage-* >"$scratch/logs/coverage.txt"; }

# No server may have crashed. A signal 9 is a test's own doing: TAP tests kill processes on purpose.
do_logs() {
  local log found status=0 seen=no
  while read -r log; do
    seen=yes
    found=$(grep -nE 'PANIC:|was terminated by signal|TRAP:|(Address|Leak)Sanitizer|runtime error:' "$log" |
      grep -v 'was terminated by signal 9' || true)
    [[ -n $found ]] || { say "pass ${log##*/}" && continue; }
    printf '%s\nFAIL %s\n' "$(head -n 20 <<<"$found")" "${log##*/}" && status=1
  done < <(find "$scratch/logs" tmp_check -name '*.log' ! -name 'regress_log_*' ! -path '*/output/*' 2>/dev/null)
  [[ $seen == yes ]] || say 'pass no stage left a log'
  [[ $VARIANT != coverage ]] || measure_coverage || status=1
  return $status
}

mkdir -p "$scratch/logs"
trap stop_servers EXIT
trap 'exit 143' INT TERM HUP
"do_$stage"
