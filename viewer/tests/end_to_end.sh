#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# end_to_end.sh VIEWER: the viewer in a real window, over a real server with the extension and the load
# generator, driven by mouse and keys. What it shows is read back through the clipboard and compared with SQL.
# Skipped (77; failed with VIEWER_TESTS_MAY_SKIP=no) where a part is missing: the extension in PG_CONFIG's server,
# Xvfb, xdotool, openbox, xclip or the load generator (LOADGEN=program, else that of build/loadgen).
set -euo pipefail

viewer=$1
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pg_config=${PG_CONFIG:-pg_config}
pictures=${PICTURES:-}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
skip() {
  [[ ${VIEWER_TESTS_MAY_SKIP:-yes} != no ]] || fail "$*"
  echo "skipped: $*"
  exit 77
}
for program in Xvfb xdotool openbox xclip; do
  command -v "$program" >/dev/null || skip "$program is missing"
done
bindir=$("$pg_config" --bindir 2>/dev/null) || skip "$pg_config does not run"
[[ -x $bindir/initdb ]] || skip "no PostgreSQL server in $bindir"
[[ -e $("$pg_config" --sharedir)/extension/trending.control ]] || skip "trending is not installed in that server"
loadgen=${LOADGEN:-$repository/build/loadgen/trending-loadgen}
[[ -x $loadgen ]] || skip "the load generator is not built"

folder=$(mktemp -d /tmp/viewer-e2e.XXXXXX)
as_server=()
if ((EUID == 0)); then
  id postgres >/dev/null 2>&1 || skip "root needs a user postgres"
  chown postgres "$folder"
  as_server=(runuser -u postgres --)
fi
chmod 755 "$folder"
started=()
finish() {
  local status=$?
  trap - EXIT
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  control stop >/dev/null 2>&1 || true
  if ((status != 0)); then
    tail -n 20 "$folder"/*.log 2>/dev/null || true
  fi
  rm -rf "$folder"
  exit "$status"
}
control() { (cd "$folder" && "${as_server[@]}" "$bindir/pg_ctl" -D "$folder/data" -l "$folder/server.log" -m fast -w -t 60 "$1"); }
trap finish EXIT

# --- server, trend, display ------------------------------------------------------------------------

(cd "$folder" && "${as_server[@]}" "$bindir/initdb" -D "$folder/data" -U postgres -A trust --no-sync --locale=C.UTF-8 -E UTF8 >/dev/null)
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
wal_level = logical
shared_preload_libraries = 'trending'
fsync = off
CONF
control start >/dev/null
export PGHOST=$folder PGUSER=postgres PGDATABASE=postgres
unset PGPORT PGSERVICE
sql() { "$bindir/psql" -X -q -At -F $'\t' -v ON_ERROR_STOP=1 -c "$1"; }
"$loadgen" init --posts 300 >/dev/null
"$bindir/psql" -X -q -v ON_ERROR_STOP=1 -f "$repository/examples/top_posts.sql" >/dev/null
load() { "$loadgen" run --rate 400 --clients 1 -q "$@"; }
load --duration 3s >/dev/null

exec 5>"$folder/display"
Xvfb -displayfd 5 -screen 0 1400x900x24 -nolisten tcp 2>"$folder/xvfb.log" &
started+=($!)
for _ in {1..100}; do
  [[ ! -s $folder/display ]] || break
  sleep 0.1
done
DISPLAY=:$(head -n 1 "$folder/display")
export DISPLAY QT_QPA_PLATFORM=xcb XDG_CONFIG_HOME=$folder/config XDG_RUNTIME_DIR=$folder
export LSAN_OPTIONS=suppressions=$repository/viewer/tests/lsan.supp
openbox 2>"$folder/openbox.log" &
started+=($!)
sleep 0.5
"$viewer" --connection "host=$folder dbname=postgres" --trend top_posts --interval 0.2 --top 10 --size 1280x800 --theme dark \
  2>"$folder/viewer.log" &
viewer_process=$!
started+=("$viewer_process")

# --- hands and eyes --------------------------------------------------------------------------------

window=$(timeout 30 xdotool search --sync --onlyvisible --name 'top_posts.*Trending') || fail "no window within 30 s"
window=$(head -n 1 <<<"$window")
xdotool windowactivate --sync "$window"
press() { xdotool key --clearmodifiers "$@"; }
click() { xdotool mousemove --window "$window" "$1" "$2" click 1; }
# What the table shows: rank, label, value, key. Empties the clipboard first, so that an old copy is never read.
shown() {
  echo nothing | xclip -selection clipboard -i
  press ctrl+c
  for _ in {1..40}; do
    sleep 0.05
    if timeout 3 xclip -selection clipboard -o 2>/dev/null | grep -q '^#'; then break; fi
  done
  timeout 3 xclip -selection clipboard -o | tail -n +2 | awk -F '\t' -v OFS='\t' '{ print $1, $3, $4, $5 }'
}
expected() { sql "SELECT t.rank, p.title, t.views, t.post_id FROM top_posts t JOIN posts p ON p.id = t.post_id ORDER BY t.rank LIMIT $1"; }
# Within ten seconds the window shows what SQL says before and after looking.
check_same() {
  local before seen after
  for _ in {1..20}; do
    before=$(expected "$1")
    seen=$(shown)
    after=$(expected "$1")
    if [[ $seen == "$before" && $before == "$after" && -n $seen ]]; then
      echo "ok - $2"
      return
    fi
    sleep 0.4
  done
  printf 'expected:\n%s\nshown:\n%s\n' "$after" "$seen" >&2
  fail "$2"
}
picture() { [[ -z $pictures ]] || import -window "$window" "$pictures/$1.png"; }

# --- the test --------------------------------------------------------------------------------------

sql "SELECT trending.sync()" >/dev/null
check_same 10 "what is shown is what SQL says"

load --duration 6s >/dev/null &
load_process=$!
first=$(shown)
sleep 2
second=$(shown)
[[ $first != "$second" ]] || fail "nothing changed under load"
echo "ok - it changes under load"
press space
sleep 0.5
first=$(shown)
sleep 1.5
[[ $first == "$(shown)" ]] || fail "pausing did not stop it"
echo "ok - the space bar pauses"
press space
wait "$load_process"
sql "SELECT trending.sync()" >/dev/null
check_same 10 "after the load it is exact again"

press plus
check_same 15 "the plus key shows fifteen"
press minus
check_same 10 "the minus key shows ten again"

click 500 175
sleep 0.3
[[ $(shown | wc -l) == 1 ]] || fail "a click on a bar did not select it"
echo "ok - a click on a bar selects it"
press Escape
sleep 0.3
[[ $(shown | wc -l) == 10 ]] || fail "Escape did not clear the selection"
echo "ok - Escape clears the selection"

# Ten seconds after the load a window has closed. The left end of the slider is the first one.
for _ in {1..60}; do
  (($(sql "SELECT count(DISTINCT window_end) FROM top_posts_history") < 2)) || break
  sleep 0.5
done
sleep 1.5
click 760 770
press Home
sleep 1
seen=$(shown)
window_shown=
for end in $(sql "SELECT DISTINCT extract(epoch FROM window_end) FROM top_posts_history"); do
  past=$(sql "SELECT h.rank, p.title, h.views, h.post_id FROM top_posts_history h JOIN posts p ON p.id = h.post_id
              WHERE h.window_end = to_timestamp($end) ORDER BY h.rank LIMIT 10")
  [[ $seen != "$past" ]] || window_shown=$end
done
picture past-window
[[ -n $window_shown ]] || fail "the slider shows no window of the history: $seen"
echo "ok - the slider shows a closed window as history has it"
press l
check_same 10 "back to live"

for page in 2 3 4 1; do
  press "ctrl+$page"
  sleep 0.4
  picture "page-$page"
done
kill -0 "$viewer_process" || fail "the viewer ended"
press F11
sleep 0.7
geometry=$(xdotool getwindowgeometry --shell "$window")
grep -q '^WIDTH=1400$' <<<"$geometry" || fail "F11 did not fill the screen: $geometry"
press F11
sleep 0.7
echo "ok - pages and full screen"

before=$(shown)
control stop >/dev/null
sleep 1
began=$(date +%s%N)
[[ $(shown) == "$before" ]] || fail "the window lost its data with the server"
took=$((($(date +%s%N) - began) / 1000000))
((took < 3000)) || fail "the window took $took ms to answer while the server was away"
picture server-away
echo "ok - with the server stopped the window answers"
control start >/dev/null
load --duration 3s --reconnect >/dev/null
sql "SELECT trending.sync()" >/dev/null
check_same 10 "with the server back it is exact again"

press ctrl+q
for _ in {1..50}; do
  kill -0 "$viewer_process" 2>/dev/null || break
  sleep 0.1
done
status=0
wait "$viewer_process" || status=$?
((status == 0)) || fail "the viewer ended with $status"
echo "ok - it ends when told to"
! grep -E 'ERROR: AddressSanitizer|runtime error|ASSERT' "$folder/viewer.log" || fail "the viewer complained"
