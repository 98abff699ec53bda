#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Every test: make check [SERVERS="15 16 17 18 19"] [STAGES="unit regress"]
#
# Installs what is missing (apt), builds, runs the tests and ends with "N passed, N failed", also when it is
# interrupted. A stage that takes long says every half minute how far it is. Logs are kept in build/check/.
#   SERVERS      major versions for the server tests (the system's); others are fetched from other Debian releases into
#                .cache/, which needs root
#   STAGES       some of: lint build unit loadgen viewer bench regress isolation pgtap docs monitoring fuzz soak tap
#                (all by default)
#   VARIANT      of the extension in the server tests: debug (default: with assertions), sanitize (servers from 17
#                on: the packaged 15 hangs under ASan) or coverage (build/check/pg*-servers/coverage.txt)
#   PG_CONFIG    the system's server, if not the newest installed
#   PROVE_TESTS  which TAP tests (all); TAP_JOBS: how many at a time (2); FUZZ: options of test/fuzz/fuzz.py
#   SOAK         options of test/soak/soak.py (--hours 0.012); what it found: build/check/pg*-servers/soak
#   LIMIT        seconds for each stage with a server (3600)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

default_stages='lint build unit loadgen viewer bench regress isolation pgtap docs monitoring fuzz soak tap'
stages=" ${STAGES:-$default_stages} "
servers=${SERVERS:-}
export VARIANT=${VARIANT:-debug}
logs=$repository/build/check
scratch_folders=()
monitoring_packages=(prometheus prometheus-sql-exporter prometheus-postgres-exporter) # for the system's server alone
process='' all_passed=0 all_failed=0 # process of the stage that runs

wanted() { [[ $stages == *" $1 "* ]]; }

prepare() {
  local word server package packages=(make g++ cmake libgtest-dev libpq-dev libcli11-dev libfmt-dev pkg-config python3)
  for word in $stages; do
    [[ " $default_stages " == *" $word "* ]] || die "there is no stage '$word'" "Stages: $default_stages"
  done
  [[ $VARIANT =~ ^(debug|sanitize|coverage)$ ]] || die "VARIANT must be debug, sanitize or coverage"
  choose_server
  system_server=$(major_version_of "$PG_CONFIG")
  servers=${servers:-$system_server}
  for server in $servers; do
    [[ $server =~ ^1[5-9]$ ]] || die "SERVERS: '$server' is not a supported major version"
    [[ $VARIANT != sanitize ]] || ((server > 16)) || die "VARIANT=sanitize needs a newer server: SERVERS=17"
    [[ $server != "$system_server" ]] || continue
    [[ $VARIANT != coverage ]] || die "VARIANT=coverage is for the system's server, $system_server"
    is_root || die "a server of another release needs root" "sudo make check SERVERS='$servers'"
    packages+=(mmdebstrap)
    [[ $server != 16 ]] || packages+=(python3-pip)
  done
  ! wanted lint || packages+=(shellcheck clang-format python3-yaml)
  [[ $VARIANT != coverage ]] || packages+=(gcovr)
  ! wanted docs || packages+=(mkdocs mkdocs-material)
  ! wanted monitoring || packages+=(python3-yaml)
  ! wanted tap || packages+=(libipc-run-perl)
  ! wanted fuzz && ! wanted soak || packages+=(python3-psycopg2)
  # Extensions that tests use, if the server is of a package; the test of pg_cron is left out where there is none.
  package=$(dpkg-query -S "$("$PG_CONFIG" --bindir)/postgres" 2>/dev/null | cut -d: -f1 || true)
  ! wanted pgtap || packages+=(libtap-parser-sourcehandler-pgtap-perl ${package:+"$package-pgtap"})
  ! wanted tap || ! apt_knows "$package-cron" || packages+=("$package-cron")
  require_packages "${packages[@]}"
  ! wanted viewer || bash "$repository/scripts/viewer.sh" --packages
  say "PostgreSQL $system_server, $PG_CONFIG"
}

# A stage is a command with a time limit, whose individual tests are counted in its log by lines of
# TAP, pg_regress, GoogleTest and Qt below ctest, scripts below ctest ("ok - "), our own checks ("pass NAME").
passed_line='^ok [0-9]|^(test| ) .* \.\.\. ok |^[0-9]+: (\[       OK \]|ok - |PASS   : .*\()|^pass '
failed_line='^not ok [0-9]|^(test| ) .* \.\.\. (FAILED|failed)|^[0-9]+: (\[  FAILED  \] .* ms\)|FAIL!  :)|^FAIL '

report() { # REMARK
  read -r passed failed < <(awk -v passed_line="$passed_line" -v failed_line="$failed_line" '
    /::(init|cleanup)TestCase\(\)/ { next }
    $0 ~ passed_line || /^not ok .*# TO[D]O/ { passed++; next }
    $0 ~ failed_line { failed++ }
    END { print passed + 0, failed + 0 }' "$log")
  printf '%-18s %5d passed %5d failed %5d s  %s\n' "$name" "$passed" "$failed" $((SECONDS - begin)) "$1"
}

run_stage() { # NAME SECONDS COMMAND...
  local status=0 next=30
  name=$1
  log=$logs/$name.log
  begin=$SECONDS
  timeout --kill-after=20 "$2" "${@:3}" >"$log" 2>&1 </dev/null &
  process=$!
  while kill -0 "$process" 2>/dev/null; do
    sleep 0.3 || true
    ((SECONDS - begin >= next)) || continue
    next=$((next + 30))
    report "... $(grep -aE '^(DONE|FAIL) ' "$log" | tail -n 1)"
  done
  wait "$process" || status=$?
  process=
  end_stage $status
}

# A stage that ends badly without a failed test counts as one failure, and so does one that ran no test at all.
end_stage() { # STATUS
  local remark=''
  case $1 in
    0) grep -qaE "$passed_line|$failed_line" "$log" || remark='no test ran' ;;
    124 | 137) remark='time limit reached' ;;
    143) remark='interrupted' ;;
    *) grep -qaE "$failed_line" "$log" || remark="ended with status $1" ;;
  esac
  [[ -z $remark ]] || printf '\nFAIL %s\n' "$remark" >>"$log"
  report "$remark"
  all_passed=$((all_passed + passed))
  all_failed=$((all_failed + failed))
  ((failed)) || return 0
  {
    grep -av '^pass ' "$log" | grep -aE -B 4 -A 12 "$failed_line|\*\*\*(Failed|Timeout)|: Failure$|Sanitizer|rror:" | head -n 150
    sed -n '/^diff -U3/,$p' "$log" | head -n 150
    tail -n 15 "$log"
  } | sed 's/^/    /'
}

finish() {
  local status=$?
  trap '' INT TERM HUP PIPE && set +e
  [[ -z $process ]] || { kill "$process"; wait "$process"; end_stage 143; }
  rm -rf "${scratch_folders[@]}"
  say "Logs: build/check/"
  ((!all_failed)) || (cd "$logs" && grep -aE "$failed_line" -- *.log | cut -c -160 | tail -n 20)
  ((all_failed || !status)) || all_failed=1
  say "$all_passed passed, $all_failed failed"
  exit $((all_failed > 0))
}

lint_file() { # FILE COMMAND...
  if "${@:2}" "$1"; then say "pass $1"; else say "FAIL $1" && status=1; fi
}

do_lint() {
  local file status=0
  cd "$repository"
  while read -r file; do
    lint_file "$file" shellcheck
  done < <(find scripts docs docker loadgen viewer bench .ci -type f \( -name '*.sh' -o -path .ci/run \) | sort)
  /usr/bin/python3 scripts/repository.py || status=1
  # Subjects of commits that the remote does not have; where there is no git, or no remote, there are none to judge.
  { git log --no-merges --format=%s origin/main..HEAD 2>/dev/null || true; } |
    awk 'length > 72 { print "FAIL a commit subject of " length " characters: " $0; bad = 1 } END { exit bad }' || status=1
  # Another version lays out code a little differently: only the one the sources are kept with is asked.
  [[ $(clang-format --version) == *" version 14."* ]] || return $status
  while read -r file; do
    lint_file "$file" clang-format --dry-run -Werror
  done < <(find src loadgen viewer test bench -type f \( -name '*.cpp' -o -name '*.h' \) | sort)
  return $status
}

do_build() {
  make -C "$repository" -j "$(nproc)" DEBUG=1
  say "pass debug"
  make -C "$repository" -j "$(nproc)"
  say "pass release"
}

run_ctest() { ctest --test-dir "$repository/$1" -V --timeout 300; }
do_unit() { build_cmake test/unit build/unit && run_ctest build/unit; }
do_loadgen() { build_cmake loadgen build/loadgen -DLOADGEN_TESTS=ON && run_ctest build/loadgen; }
do_viewer() { bash "$repository/scripts/viewer.sh" --check; }

# The stages with a server: in a folder outside the repository, which the server's user can own whoever we are, with a copy of the tree and of
# what is already built for the server.
test_server() { # MAJOR
  local label=pg$1 owner=$server_user run=() scratch tree stage
  scratch=$(mktemp -d /var/tmp/trending-check.XXXXXX)
  scratch_folders+=("$scratch")
  chmod 755 "$scratch"
  mkdir -p "$scratch/tree/build"
  tar -C "$repository" --exclude=./.git --exclude=./.cache --exclude=./build --exclude=./trending.so -cf - . |
    tar -C "$scratch/tree" --no-same-owner -xf -
  cp -a "$repository/build/pg$1."*-"$VARIANT"-* "$scratch/tree/build/" 2>/dev/null || true
  if [[ $1 == "$system_server" ]]; then
    run=("${as_server[@]}" bash "$scratch/tree/scripts/server_tests.sh" "$scratch" "$PG_CONFIG")
    ! wanted monitoring || unpack_packages "$scratch/monitoring" "${monitoring_packages[@]}" ||
      die "packages of the stage monitoring cannot be downloaded" "apt-get update"
  else
    run_stage "$label-tree" 1800 bash "$repository/scripts/server_tree.sh" make "$1"
    ((!failed)) || return 0
    tree=$(sed -n 's/^pass //p' "$logs/$label-tree.log")
    owner=$(awk -F: '$1 == "postgres" { print $3 }' "$tree/etc/passwd")
    run=(bash "$repository/scripts/server_tree.sh" run "$tree" "$scratch" setpriv --reuid "$owner" --regid "$owner"
      --clear-groups bash /mnt/scratch/tree/scripts/server_tests.sh /mnt/scratch "/usr/lib/postgresql/$1/bin/pg_config")
  fi
  ! is_root || chown -R "$owner" "$scratch"
  for stage in install bench regress isolation pgtap docs monitoring fuzz soak tap logs; do
    [[ $stage =~ install|logs ]] || wanted $stage || continue
    [[ $stage != monitoring || -d $scratch/monitoring ]] || continue
    [[ $stage != soak || $VARIANT != sanitize ]] || continue # a sanitizer keeps what was freed
    run_stage "$label-$stage" "${LIMIT:-3600}" "${run[@]}" "$stage"
    [[ $stage != install ]] || ((!failed)) || return 0
  done
  # What was built, for the next time, and the servers' logs.
  ! is_root || chown -R 0:0 "$scratch"
  cp -a "$scratch/tree/build/pg$1."* "$repository/build/"
  cp -r "$scratch/logs" "$logs/$label-servers"
  cp -r "$scratch/tree/tmp_check/log" "$logs/$label-tap.logs" 2>/dev/null || true
}

main() {
  local stage server
  rm -rf "$logs"
  mkdir -p "$logs"
  trap finish EXIT
  trap 'exit 143' INT TERM HUP PIPE # the last one: who reads what we print may be gone first
  prepare
  for stage in lint build unit loadgen viewer; do
    ! wanted $stage || run_stage $stage 1800 bash "$0" "do_$stage"
  done
  [[ $stages =~ \ (bench|regress|isolation|pgtap|docs|monitoring|fuzz|soak|tap)\  ]] || return 0
  for server in $servers; do
    test_server "$server"
  done
}

"${1:-main}" # a stage runs as a process of its own, so that its time limit reaches all of it
