#!/usr/bin/env bash
# Every test: make check [SERVERS="15 17 18"] [STAGES="unit regress"]
#
# Installs what is missing (apt), builds, runs the tests and ends with "N passed, N failed".
#   SERVERS  major versions to run the server tests on; those that the system does not have are fetched
#            from other Debian releases and cached in .cache/. Without it: the system's server.
#   STAGES   some of: lint build unit loadgen viewer regress isolation pgtap docs tap (all by default), fuzz
#   VARIANT  of the extension in the server tests: debug (default: with assertions), sanitize (servers from
#            17 on), or coverage (of the system's server, into build/check/coverage.txt)
#   PG_CONFIG  the system's server, if not the newest installed
# Logs are kept in build/check/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"

default_stages='lint build unit loadgen viewer regress isolation pgtap docs tap'
all_stages="$default_stages fuzz"
stages=" ${STAGES:-$default_stages} "
servers=${SERVERS:-}
variant=${VARIANT:-debug}
stage_logs=$repository/build/check
results=$stage_logs/results
scratch_folders=()
clang_format_version=14
server_limit=$((${TAP_LIMIT:-1500} + 60 * ${FUZZ_MINUTES:-0} + 1200)) # seconds for all tests on one server

wanted() { [[ $stages == *" $1 "* ]]; }

wants_server() {
  local stage
  for stage in regress isolation pgtap docs fuzz tap; do
    wanted "$stage" && return
  done
  return 1
}

clean_up() {
  stop_stage
  local folder
  for folder in "${scratch_folders[@]}"; do
    as_root_if_needed rm -rf "$folder"
  done
}

as_root_if_needed() { if is_root; then "$@"; else "$@" 2>/dev/null || as_root "$@"; fi; }

check_arguments() {
  local stage server
  for stage in $stages; do
    [[ " $all_stages " == *" $stage "* ]] || die "there is no stage '$stage'" "Stages: $all_stages"
  done
  for server in $servers; do
    [[ $server =~ ^1[5-8]$ ]] || die "SERVERS: '$server' is not a supported major version"
  done
  [[ $variant =~ ^(debug|sanitize|coverage)$ ]] || die "VARIANT must be debug, sanitize or coverage"
}

install_packages() {
  local -a packages=(make g++ cmake libgtest-dev libpq-dev libcli11-dev libfmt-dev pkg-config)
  wanted lint && packages+=(shellcheck clang-format)
  wanted tap && packages+=(libipc-run-perl)
  wanted fuzz && packages+=(python3-psycopg2)
  wanted docs && packages+=(python3)
  choose_server
  check_variant
  [[ $variant != coverage ]] || packages+=(gcovr)
  local server
  server=$(dpkg-query -S "$("$PG_CONFIG" --bindir)/postgres" 2>/dev/null | cut -d: -f1 || true)
  # Its test is left out where the server has no such package.
  wanted tap && [[ -n $server ]] && apt-cache show "$server-cron" >/dev/null 2>&1 && packages+=("$server-cron")
  wanted pgtap && packages+=(libtap-parser-sourcehandler-pgtap-perl ${server:+"$server-pgtap"})
  [[ -z $(foreign_servers) ]] || packages+=(mmdebstrap)
  require_packages "${packages[@]}"
  ! wanted viewer || bash "$repository/scripts/viewer.sh" --packages
}

# The packaged server 15 hangs when ASan is preloaded.
check_variant() {
  local server
  for server in ${servers:-$(system_server)}; do
    [[ $variant != sanitize ]] || ((server > 16)) || die "VARIANT=sanitize needs a newer server: SERVERS=17"
    [[ $variant != coverage || $server == "$(system_server)" ]] || die "VARIANT=coverage is for the system's server"
  done
}

system_server() { major_version_of "$PG_CONFIG"; }

foreign_servers() {
  local server
  for server in $servers; do
    [[ $server == "$(system_server)" ]] || say "$server"
  done
}

# --- stages without a server ---------------------------------------------------------------------

lint_file() {
  local file=$1
  shift
  if "$@" "$file"; then say "pass $file"; else say "FAIL $file" && return 1; fi
}

# Another version lays out code a little differently: only the one the sources are kept with is asked.
clang_format_is_ours() { [[ $(clang-format --version) == *" version $clang_format_version."* ]]; }

lint() {
  local file status=0
  cd "$repository"
  while read -r file; do
    lint_file "$file" shellcheck -x || status=1
  done < <(find scripts docker loadgen viewer .ci -type f \( -name '*.sh' -o -name run \) 2>/dev/null | sort)
  lint_file src bash scripts/rooms.sh || status=1
  clang_format_is_ours || return $status
  while read -r file; do
    lint_file "$file" clang-format --dry-run -Werror || status=1
  done < <(find src loadgen viewer test bench -type f \( -name '*.cpp' -o -name '*.h' \) 2>/dev/null | sort)
  return $status
}

build_cmake() { # SOURCE BUILD
  cmake -S "$repository/$1" -B "$repository/$2" -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
    cmake --build "$repository/$2" -j "$(jobs_for_make)"
}

unit() {
  build_cmake test/unit build/unit &&
    ctest --test-dir "$repository/build/unit" -V --timeout 300
}

loadgen() {
  build_cmake loadgen build/loadgen &&
    ctest --test-dir "$repository/build/loadgen" -V --timeout 120
}

viewer() { bash "$repository/scripts/viewer.sh" --check; }

stage() { # NAME SECONDS COUNTER INPUT COMMAND...
  local name=$1 seconds=$2 counter=$3 input=$4
  shift 4
  wanted "${name%%-*}" || return 0
  if [[ -e $repository/$input ]]; then
    run_stage "$name" "$seconds" "$counter" bash "${BASH_SOURCE[0]}" --do "$@"
  else
    printf '%-24s no such tests yet\n' "$name"
  fi
}

# --- server tests --------------------------------------------------------------------------------

# A scratch folder outside the repository, that the server's user owns whoever we are, with a copy of the tree
# and of what is already built for the server.
make_scratch() {
  local major=$1 scratch
  scratch=$(mktemp -d /var/tmp/trending-check.XXXXXX)
  mkdir "$scratch/tree"
  tar -C "$repository" --exclude=./.git --exclude=./.cache --exclude=./.demo --exclude=./build \
    --exclude=./trending.so -cf - . | tar -C "$scratch/tree" --no-same-owner -xf -
  mkdir "$scratch/tree/build"
  cp -a "$repository/build/pg$major."*-"$variant"-* "$scratch/tree/build/" 2>/dev/null || true
  say "$scratch"
}

# Logs, counts, and what was built, for the next time.
collect() {
  local major=$1 scratch=$2
  [[ -e $scratch/results ]] || return 0
  cat "$scratch/results" >>"$results"
  cat "$scratch/results.failed" >>"$results.failed" 2>/dev/null || true
  cp -r "$scratch"/logs/. "$stage_logs/" 2>/dev/null || true
  cp -a "$scratch/tree/build/pg$major."* "$repository/build/" 2>/dev/null || true
}

failed_to_run() {
  printf '%-24s ' "$1"
  record "$1" 0 1 0 "$2"
}

# server_tests.sh prints its stages itself; only its being there at all is judged here.
run_server_tests() { # LABEL SCRATCH COMMAND..., which begins with what changes the user
  local label=$1 scratch=$2 status=0
  shift 2
  "$@" </dev/null &
  stage_process=$!
  wait "$stage_process" || status=$?
  stage_process=
  [[ -s $scratch/results ]] || failed_to_run "$label" "the server tests did not start"
  ((status != 124 && status != 137)) || failed_to_run "$label" "time limit reached"
}

test_system_server() {
  local major scratch label
  major=$(system_server)
  label=pg$major
  scratch=$(make_scratch "$major")
  scratch_folders+=("$scratch")
  ! is_root || chown -R "$(server_user):" "$scratch"
  run_server_tests "$label" "$scratch" "${server_prefix[@]}" VARIANT="$variant" timeout --kill-after=30 "$server_limit" \
    bash "$scratch/tree/scripts/server_tests.sh" "$label" "$PG_CONFIG" "$scratch" "$stages"
  ! is_root || chown -R root: "$scratch"
  collect "$major" "$scratch"
}

test_foreign_server() {
  local major=$1 label=pg$1 tree scratch owner
  if ! tree=$(as_root bash "$repository/scripts/server_tree.sh" make "$major" 2>"$stage_logs/$label-tree.log"); then
    tail -n 20 "$stage_logs/$label-tree.log"
    failed_to_run "$label-tree" "no tree"
    return
  fi
  scratch=$(make_scratch "$major")
  scratch_folders+=("$scratch")
  owner=$(awk -F: '$1 == "postgres" { print $3 ":" $4 }' "$tree/etc/passwd")
  as_root chown -R "$owner" "$scratch"
  run_server_tests "$label" "$scratch" "${root_prefix[@]}" timeout --kill-after=30 "$server_limit" \
    bash "$repository/scripts/server_tree.sh" run "$tree" "$scratch" \
    runuser -u postgres -- env VARIANT="$variant" TAP_LIMIT="${TAP_LIMIT:-}" TAP_JOBS="${TAP_JOBS:-}" \
    PROVE_TESTS="${PROVE_TESTS:-}" FUZZ_MINUTES="${FUZZ_MINUTES:-}" FUZZ_SEED="${FUZZ_SEED:-}" bash /mnt/scratch/tree/scripts/server_tests.sh \
    "$label" "/usr/lib/postgresql/$major/bin/pg_config" /mnt/scratch "$stages"
  as_root chown -R "$(id -u):$(id -g)" "$scratch"
  collect "$major" "$scratch"
}

test_servers() {
  wants_server || return 0
  local server
  for server in ${servers:-$(system_server)}; do
    if [[ $server == "$(system_server)" ]]; then
      test_system_server
    else
      test_foreign_server "$server"
    fi
  done
}

main() {
  check_arguments
  rm -rf "$stage_logs"
  mkdir -p "$stage_logs"
  : >"$results"
  trap clean_up EXIT
  trap 'exit 130' INT TERM HUP
  install_packages
  say "PostgreSQL $(system_server), $PG_CONFIG"
  stage lint 300 count_lines scripts lint
  ! wanted build || run_single build-debug 900 make -C "$repository" -j "$(jobs_for_make)" DEBUG=1
  ! wanted build || run_single build 900 make -C "$repository" -j "$(jobs_for_make)"
  stage unit 900 count_ctest test/unit/CMakeLists.txt unit
  stage loadgen 600 count_ctest loadgen/CMakeLists.txt loadgen
  stage viewer 1500 count_ctest viewer/CMakeLists.txt viewer
  test_servers
  say "Logs: build/check/"
  [[ ! -s $results.failed ]] || printf 'Failed:\n%s\n' "$(tail -n 15 "$results.failed")"
  awk '{ passed += $2; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }' "$results"
}

case ${1:-} in
  '') main ;;
  --do) "${@:2}" ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d'
    [[ $1 == --help ]]
    ;;
esac
