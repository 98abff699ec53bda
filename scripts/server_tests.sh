#!/usr/bin/env bash
# Every test that needs a server, on one server: called by check.sh, as the server's user, inside a copy of
# the tree that this user owns; in a Debian tree of another release it runs there.
#
#   server_tests.sh LABEL PG_CONFIG SCRATCH STAGES
#
# LABEL names the server in the results. SCRATCH/tree is the copy of the tree; logs go to SCRATCH/logs, the
# counts to SCRATCH/results. The extension is installed into a private copy of the server below SCRATCH.
# VARIANT in the environment: debug (default), sanitize or coverage, as in the Makefile. TAP_LIMIT: seconds that
# the TAP tests may take; TAP_JOBS: how many of them run at a time (2); PROVE_TESTS: which ones (all). FUZZ_MINUTES,
# FUZZ_SEED: how long to fuzz and from which seed on (by default some episodes of fixed seeds).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"

label=$1
original=$2
scratch=$3
stages=" $4 "
variant=${VARIANT:-debug}
tree=$scratch/tree
data=$scratch/data
stage_logs=$scratch/logs
results=$scratch/results
export PG_CONFIG PGHOST=$scratch/socket PGPORT=54329 PGUSER=postgres PGDATABASE=postgres
export HOME=$scratch LC_ALL=C.UTF-8

wanted() { [[ $stages == *" $1 "* ]]; }

stop_servers() {
  stop_stage
  local pid_file pid
  while read -r pid_file; do
    read -r pid <"$pid_file" || continue
    kill -QUIT "$pid" 2>/dev/null || continue
    for _ in {1..50}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done < <(find "$scratch" -maxdepth 6 -name postmaster.pid 2>/dev/null)
}

install_extension() {
  PG_CONFIG=$(copy_server "$scratch/server" "$original")
  find "$tree/build" -name '*.gcda' -delete
  make -C "$tree" -j "$(jobs_for_make)" "${variant^^}=1" install
  [[ $variant != sanitize ]] || preload_sanitizer "$("$PG_CONFIG" --bindir)/postgres"
}

# The library's sanitizer must be there when the server starts. Its programs need not know: a script in the
# place of the server's program sees to it.
preload_sanitizer() {
  local program=$1
  mv "$program" "$program.bare"
  cat >"$program" <<-SCRIPT
	#!/bin/bash
	export LD_PRELOAD=$(g++ -print-file-name=libasan.so)
	export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:detect_odr_violation=0
	export UBSAN_OPTIONS=print_stacktrace=1
	exec -a "\$0" "\$0.bare" "\$@"
	SCRIPT
  chmod +x "$program"
}

start_server() {
  local bin
  bin=$("$PG_CONFIG" --bindir)
  mkdir -p "$PGHOST" "$scratch/serverlogs"
  "$bin/initdb" -D "$data" -U postgres -A trust --locale=C.UTF-8 -E UTF8 --no-sync
  cat >>"$data/postgresql.conf" <<-CONF
	shared_preload_libraries = 'trending'
	wal_level = logical
	max_worker_processes = 24
	max_replication_slots = 24
	max_wal_senders = 12
	max_connections = 60
	listen_addresses = ''
	unix_socket_directories = '$PGHOST'
	port = $PGPORT
	fsync = off
	log_line_prefix = '%m [%p] %b %q%d '
	CONF
  "$bin/pg_ctl" -D "$data" -l "$scratch/serverlogs/server.log" -w -t 60 start
}

prepare() {
  install_extension
  start_server
}

# A database of its own for each file, with the extension in it.
run_pgtap() {
  local bin file database status=0
  bin=$("$PG_CONFIG" --bindir)
  for file in "$tree"/test/pgtap/*.sql; do
    database=pgtap_$(basename "$file" .sql)
    "$bin/psql" -qX -v ON_ERROR_STOP=1 -c "CREATE DATABASE $database"
    "$bin/psql" -qX -v ON_ERROR_STOP=1 -d "$database" -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION trending'
    (cd "$tree" && PATH=$bin:$PATH pg_prove -v -d "$database" "$file") || status=1
    "$bin/psql" -qX -v ON_ERROR_STOP=1 -c "DROP DATABASE $database WITH (FORCE)" || status=1
  done
  return $status
}

run_installcheck() { # KIND: leaves the other kinds out
  local kind=$1
  local -a none=(TAP_TESTS=)
  [[ $kind == regress ]] || none+=(REGRESS=)
  [[ $kind == isolation ]] || none+=(ISOLATION=)
  make -C "$tree" installcheck "${variant^^}=1" "${none[@]}"
}

run_regress() {
  run_installcheck regress || {
    cat "$tree/regression.diffs" 2>/dev/null || true
    return 1
  }
}

run_isolation() {
  run_installcheck isolation || {
    cat "$tree/output_iso/regression.diffs" 2>/dev/null || true
    return 1
  }
}

# As PGXS does it, but several files at a time, each one's output in one piece: most of them wait most of the time.
# A file that ends early leaves no "not ok" behind, so what prove says of a bad file is kept apart, with the end of
# the file's own log.
run_tap() {
  local library
  library=$(dirname "$(dirname "$("$PG_CONFIG" --pgxs)")")
  local -a tests=("$tree"/test/t/*.pl)
  [[ -z ${PROVE_TESTS:-} ]] || read -r -a tests <<<"$PROVE_TESTS"
  cd "$tree"
  rm -rf tmp_check
  mkdir -p tmp_check/output
  export TESTDIR=$tree TESTDATADIR=$tree/tmp_check TESTLOGDIR=$tree/tmp_check/log top_builddir=$tree
  export PG_REGRESS=$library/test/regress/pg_regress PERL5LIB=$library/test/perl:$tree/test/perl
  PATH=$("$PG_CONFIG" --bindir):$PATH
  # shellcheck disable=SC2016 # expanded by the shells that xargs starts
  printf '%s\n' "${tests[@]}" | xargs -P "${TAP_JOBS:-2}" -I{} bash -c '
    status=0
    output=tmp_check/output/$(basename {}).log
    prove -v {} >"$output" 2>&1 || status=1
    cat "$output"
    if ((status)); then
      echo "FAILED FILE: $(basename {})"
      tail -n 15 "$TESTLOGDIR/regress_log_$(basename {} .pl)"
    fi
    exit $status'
}

# Every SQL block of the pages is run, every link is checked.
run_docs() { /usr/bin/python3 "$tree/test/docs/run.py" --psql "$("$PG_CONFIG" --bindir)/psql"; }

run_fuzz() {
  local -a how=(--seed "${FUZZ_SEED:-1}" --episodes "${FUZZ_EPISODES:-25}")
  [[ -z ${FUZZ_MINUTES:-} ]] || how=(--minutes "$FUZZ_MINUTES" ${FUZZ_SEED:+--seed "$FUZZ_SEED"})
  /usr/bin/python3 "$tree/test/fuzz/fuzz.py" --pg-config "$PG_CONFIG" "${how[@]}"
}

# A signal 9 is a test's own doing: TAP tests kill processes on purpose.
scan_server_logs() {
  local log found status=0
  while read -r log; do
    found=$(grep -nE 'PANIC:|was terminated by signal|TRAP:|AddressSanitizer|LeakSanitizer|runtime error:' "$log" |
      grep -vE 'was terminated by signal 9' || true)
    if [[ -n $found ]]; then
      printf 'FAIL %s\n%s\n' "${log#"$scratch/"}" "$(head -n 20 <<<"$found")"
      status=1
    else
      printf 'pass %s\n' "${log#"$scratch/"}"
    fi
  done < <(find "$scratch/serverlogs" "$tree/tmp_check" -name '*.log' ! -name 'regress_log_*' 2>/dev/null)
  return $status
}

# Each stage runs as a process of its own, so that its time limit reaches all of it.
if [[ ${5:-} == --do ]]; then
  PG_CONFIG=$(find "$scratch/server" -name pg_config -path '*/bin/*' 2>/dev/null | head -n 1 || true)
  "$6"
  exit
fi

stage() { # NAME SECONDS COUNTER FUNCTION INPUTS...
  local name=$1 seconds=$2 counter=$3 function=$4
  shift 4
  wanted "$name" || return 0
  if [[ -z ${1:-} ]]; then
    printf '%-24s no such tests yet\n' "$label-$name"
    return 0
  fi
  run_stage "$label-$name" "$seconds" "$counter" bash "${BASH_SOURCE[0]}" "$label" "$original" "$scratch" "$stages" \
    --do "$function"
}

mkdir -p "$stage_logs"
: >"$results"
trap stop_servers EXIT
trap 'exit 130' INT TERM HUP

run_single "$label-start" 600 bash "${BASH_SOURCE[0]}" "$label" "$original" "$scratch" "$stages" --do prepare
awk '{ failed += $3 } END { exit failed > 0 }' "$results" || exit 1
shopt -s nullglob
stage regress 300 count_regress run_regress "$tree"/expected/*.out
stage isolation 300 count_regress run_isolation "$tree"/test/specs/*.spec
stage pgtap 300 count_tap run_pgtap "$tree"/test/pgtap/*.sql
stage docs 180 count_tap run_docs "$tree"/test/docs/run.py
stage fuzz $((900 + 60 * ${FUZZ_MINUTES:-0})) count_tap run_fuzz "$tree"/test/fuzz/fuzz.py
stage tap "${TAP_LIMIT:-1500}" count_tap run_tap "$tree"/test/t/*.pl
stop_servers
run_stage "$label-logs" 60 count_lines bash "${BASH_SOURCE[0]}" "$label" "$original" "$scratch" "$stages" --do scan_server_logs
[[ $variant != coverage ]] || (cd "$tree" && gcovr -r . -f src/ build >"$stage_logs/coverage.txt")
cp "$tree"/regression.diffs "$stage_logs/$label-regression.diffs" 2>/dev/null || true
cp -r "$scratch"/serverlogs "$tree"/tmp_check/log "$stage_logs/" 2>/dev/null || true
awk '{ failed += $3 } END { exit failed > 0 }' "$results"
