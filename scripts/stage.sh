# shellcheck shell=bash
# One stage of the tests: a command with a time limit and a log, its individual tests counted. Sourced by
# check.sh and server_tests.sh, which set stage_logs (folder of the logs) and results (file: stage, passed,
# failed, one stage a line).

stage_logs=
results=
stage_process=

# The counters read a stage's log and print "passed failed".

count_tap() { # prove -v, pg_prove -v
  awk '/^ok [0-9]+/ { passed++ }
       /^not ok [0-9]+/ { if (/# TODO/) passed++; else failed++ }
       END { print passed + 0, failed + 0 }' "$1"
}

count_regress() { # pg_regress and the isolation tester, in the words of 15 and in the TAP of 16 and later
  awk '/^(test| ) .* \.\.\. ok / || /^ok [0-9]+ / { passed++ }
       /^(test| ) .* \.\.\. (FAILED|failed)/ || /^not ok [0-9]+ / { failed++ }
       END { print passed + 0, failed + 0 }' "$1"
}

count_ctest() { # ctest -V: the tests inside a program of GoogleTest or Qt, or a script of ours; else the program
  awk '/^[0-9]+: (\[       OK \] |ok - )/ { passed++; id = $1 + 0; inside[id] = 1 }
       /^[0-9]+: PASS   : .*\(/ && !/::(init|cleanup)TestCase\(\)/ { passed++; id = $1 + 0; inside[id] = 1 }
       /^[0-9]+: \[  FAILED  \] .* \([0-9]+ ms\)$/ { failed++; id = $1 + 0; inside[id] = 1; bad[id] = 1 }
       /^[0-9]+: FAIL!  : / { failed++; id = $1 + 0; inside[id] = 1; bad[id] = 1 }
       /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
         match($0, /#[0-9]+/); id = substr($0, RSTART + 1, RLENGTH - 1) + 0
         if (/ Passed /) { if (!inside[id]) passed++ }
         else if (!/\*\*\*Not Run \(Disabled\)|\*\*\*Skipped/ && !bad[id]) failed++
       }
       END { print passed + 0, failed + 0 }' "$1"
}

count_lines() { # our own checks print "pass NAME" and "FAIL NAME"
  awk '/^pass / { passed++ } /^FAIL / { failed++ } END { print passed + 0, failed + 0 }' "$1"
}

# What to show of a failed stage's log: our own checks write before their verdict, the others after it.
show_failure() {
  local counter=$1 log=$2 verdict='^not ok|^#   Failed test|\*\*\*(Failed|Timeout|Exception)|\.\.\. FAILED|: Failure$|: FAIL!  : |FAILED: |ERROR: [A-Za-z]*Sanitizer|runtime error:|^FAILED FILE: |Dubious, test returned'
  if [[ $counter == count_lines ]]; then
    grep -v '^pass ' "$log" | tail -n 60
  elif grep -qE "$verdict" "$log"; then
    grep -E -B 4 -A 12 "$verdict" "$log" | grep -vE '^[0-9]+: (\[ RUN|\[       OK|\[---|$)' | head -n 150
    sed -n '/^diff -U3/,$p' "$log" | head -n 150
  else
    tail -n 40 "$log"
  fi | sed 's/^/    /'
}

# Ends the running stage, if there is one, and waits until it has cleaned up after itself.
stop_stage() {
  [[ -n $stage_process ]] || return 0
  kill "$stage_process" 2>/dev/null || as_root kill "$stage_process" 2>/dev/null || true
  wait "$stage_process" || true
  stage_process=
}

# run_stage NAME SECONDS COUNTER COMMAND...
# Never fails itself: a stage that ends badly without a failed test counts as one failure, and so does one
# that ran no test at all.
run_stage() {
  local name=$1 seconds=$2 counter=$3 log status=0 passed failed begin=$SECONDS remark=''
  shift 3
  log=$stage_logs/$name.log
  printf '%-24s ' "$name"
  timeout --kill-after=20 "$seconds" "$@" >"$log" 2>&1 </dev/null &
  stage_process=$!
  wait "$stage_process" || status=$?
  stage_process=
  read -r passed failed < <("$counter" "$log")
  if ((status == 124 || status == 137)); then
    remark="time limit of $seconds s reached"
    failed=$((failed + 1))
  elif ((status != 0 && failed == 0)); then
    remark="ended with status $status"
    failed=1
  elif ((passed + failed == 0)); then
    remark='no test ran'
    failed=1
  fi
  record "$name" "$passed" "$failed" $((SECONDS - begin)) "$remark"
  ((failed == 0)) || show_failure "$counter" "$log"
  ((failed == 0)) || list_failures "$name" "$log" "$remark" >>"$results.failed"
}

# A line for each thing that failed, to be said again at the very end.
list_failures() { # STAGE LOG REMARK
  [[ -z $3 ]] || printf '%s: %s\n' "$1" "$3"
  { grep -E '^not ok|^FAILED FILE: |^FAIL |\.\.\. FAILED|: FAIL!  : |\[  FAILED  \] .*ms\)$|\*\*\*(Failed|Timeout|Exception)' "$2" || true; } |
    head -n 12 | cut -c -160 | sed "s|^ *|$1: |"
}

record() {
  local name=$1 passed=$2 failed=$3 seconds=$4 remark=${5:-}
  printf '%5d passed %5d failed %5d s  %s\n' "$passed" "$failed" "$seconds" "$remark"
  printf '%s %d %d\n' "$name" "$passed" "$failed" >>"$results"
}

# A test suite of one command.
run_single() {
  local name=$1 seconds=$2
  shift 2
  # shellcheck disable=SC2016 # expanded by the shell that is started
  run_stage "$name" "$seconds" count_lines bash -c '"$@" && echo "pass $0" || { echo "FAIL $0"; exit 1; }' "$name" "$@"
}
