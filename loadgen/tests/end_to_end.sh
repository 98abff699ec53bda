#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# end_to_end.sh PROGRAM: runs trending-loadgen against a private server, which is gone afterwards.
#
# The server's programs are those of PG_CONFIG, else of pg_config. A server never runs as root; called by root
# this starts it as user postgres. Only a socket in a folder of its own is used, so no port can be taken.
#
# shellcheck disable=SC2317 # functions that are called through others' arguments, or by the trap
set -euo pipefail

program=$(realpath "$1")
bindir=$("${PG_CONFIG:-pg_config}" --bindir)
folder=$(mktemp -d /tmp/loadgen-test.XXXXXX)
data=$folder/data
failures=0
number=0

as_server_user() { "$@"; }
if [[ $(id -u) == 0 ]]; then
  chown postgres "$folder"
  as_server_user() { runuser -u postgres -- "$@"; }
fi

unset "${!PG@}"
export PGHOST=$folder PGUSER=postgres PGDATABASE=postgres PGCONNECT_TIMEOUT=10

start_server() {
  as_server_user "$bindir/pg_ctl" -D "$data" -l "$data/log" -w start \
    -o "-k $folder -c listen_addresses= -c fsync=off" >>"$folder/pg_ctl"
}
stop_server() { as_server_user "$bindir/pg_ctl" -D "$data" -m "${1:-fast}" -w stop >>"$folder/pg_ctl" 2>&1; }

clean_up() {
  stop_server immediate || true
  rm -rf "$folder"
}
trap clean_up EXIT

sql() { "$bindir/psql" -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
loadgen() { "$program" "$@" >"$folder/out" 2>"$folder/err"; }
begin() { # leaves the process id in pid
  "$program" "$@" >"$folder/out" 2>"$folder/err" &
  pid=$!
}
fresh() { sql 'TRUNCATE view_events RESTART IDENTITY'; }
rows() { sql 'SELECT count(*) FROM view_events'; }

# A number out of the JSON summary in "out".
summary() { sed -nE "s/.*\"$1\":([0-9.]+).*/\1/p" "$folder/out"; }

report() { # STATUS NAME
  number=$((number + 1))
  if (($1 == 0)); then
    echo "ok $number - $2"
  else
    failures=$((failures + 1))
    echo "not ok $number - $2"
    sed 's/^/#   /' "$folder/out" "$folder/err" 2>/dev/null || true
  fi
}
is() { # GOT WANTED NAME
  local status=0
  [[ $1 == "$2" ]] || status=1
  report $status "$3"
  ((status == 0)) || echo "#   got $1, wanted $2"
}
holds() { # EXPRESSION NAME
  local status=0
  (($1)) || status=1
  report $status "$2"
  ((status == 0)) || echo "#   not so: $1"
}
says() { # FILE PATTERN NAME
  local status=0
  grep -qE -- "$2" "$folder/$1" || status=1
  report $status "$3"
}
exits() { # STATUS NAME COMMAND...
  local status=0
  "${@:3}" || status=$?
  is $status "$1" "$2"
}
wait_until() { # COMMAND...
  local i
  for ((i = 0; i < 400; i++)); do
    "$@" && return
    sleep 0.05
  done
  return 1
}
has_rows() { (($(rows) >= $1)); }
wait_for_rows() { wait_until has_rows "$1"; }
is_locked() {
  [[ $(sql "SELECT count(*) FROM pg_locks WHERE relation = 'view_events'::regclass AND granted
            AND mode = 'AccessExclusiveLock'") == 1 ]]
}
both_wait() {
  [[ $(sql "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 2 ]]
}

as_server_user "$bindir/initdb" -D "$data" -U postgres -A trust -N >"$folder/initdb"

echo '# without a server, and without the tables'
exits 3 'no server: exit status 3' loadgen run
says err '^trending-loadgen: error: connection to server .* failed' 'no server: the message'
says err '^hint: ' 'no server: a hint'
begin=$SECONDS
exits 3 'no server, --reconnect with --duration: exit status 3' loadgen run --reconnect --duration 2s
holds "$((SECONDS - begin)) < 15" '--reconnect does not outlive --duration'
start_server
exits 3 'no such database: exit status 3' loadgen run -d nowhere
says err 'database "nowhere" does not exist' 'no such database: the message'
exits 4 'no tables: exit status 4' loadgen run
says err 'trending-loadgen init( |$)' 'no tables: the hint names init'
exits 4 'no tables of a scenario: exit status 4' loadgen run --scenario shop
says err 'trending-loadgen init --scenario shop' 'no tables of a scenario: the hint names it'
exits 2 'bad option: exit status 2' loadgen run --rate -5

echo '# init'
exits 0 'init' loadgen init --posts 3000
is "$(sql 'SELECT count(*), count(DISTINCT title), max(id) FROM posts')" '3000|3000|3000' 'posts have distinct titles'
before=$(sql 'SELECT md5(string_agg(title, chr(10) ORDER BY id)) FROM posts')
exits 0 'init again' loadgen init --posts 3000
is "$(sql 'SELECT count(*) FROM posts')" 3000 'init again adds nothing'
exits 0 'init with more posts' loadgen init --posts 4000
is "$(sql 'SELECT count(*) FROM posts')" 4000 'init with more posts adds the others'
exits 0 'init --drop' loadgen init --posts 3000 --drop
is "$(sql 'SELECT md5(string_agg(title, chr(10) ORDER BY id)) FROM posts')" "$before" 'same seed, same titles'
exits 4 'more posts than there are: exit status 4' loadgen run --posts 5000
sql 'CREATE VIEW depends AS SELECT * FROM view_events'
exits 5 'init --drop of tables that are needed: exit status 5' loadgen init --drop
sql 'DROP VIEW depends'
sql 'ALTER TABLE view_events RENAME user_id TO viewer'
exits 4 'other columns: exit status 4' loadgen run
says err 'no column user_id' 'other columns: the message'
sql 'ALTER TABLE view_events RENAME viewer TO user_id'

echo '# run'
for method in copy insert; do
  fresh
  exits 0 "$method: two seconds" loadgen run --json --duration 2 --rate 2000 --method $method --late-share 0.3
  is "$(rows)" "$(summary events)" "$method: as many rows as the summary says"
  holds "$(rows) > 3000 && $(rows) <= 4000" "$method: at about the wanted rate"
  is "$(sql "SELECT count(*) FROM view_events v JOIN posts p ON p.id = v.post_id
             WHERE viewed_at BETWEEN now() - interval '40 s' AND now()")" "$(rows)" "$method: rows fit the posts and the time"
  holds "$(summary late) * 100 / $(rows) >= 25 && $(summary late) * 100 / $(rows) <= 35" "$method: late ones among them"
done

content() {
  sql "SELECT md5(string_agg(v::text, chr(10) ORDER BY v))
       FROM (SELECT (post_id, user_id, region, referrer, viewed_at) FROM view_events) AS x(v)"
}
fresh
replay=(run -q --rate 0 --events 20000 --start-time 2026-01-01 --late-share 0.1)
exits 0 'replay' loadgen "${replay[@]}" --seed 7
first=$(content)
fresh
exits 0 'replay in another way' loadgen "${replay[@]}" --seed 7 --clients 3 --batch 77 --method insert
is "$(rows)" 20000 'replay writes each event once'
is "$(content)" "$first" 'same seed, same rows, whatever clients, batch and method'
fresh
loadgen "${replay[@]}" --seed 8
holds "$([[ $(content) != "$first" ]] && echo 1 || echo 0)" 'another seed, other rows'

echo '# the other scenarios'
# The rows of a scenario's tables, but for what the server or the clock gives.
contents() { # TABLE...
  local table
  for table; do
    [[ $table != stock_movements ]] || table="(SELECT product_id, quantity, reason, CASE WHEN reason <> 'first stock'
      THEN moved_at END FROM stock_movements)"
    sql "SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM $table t"
  done
}
declare -A tables=([shop]='products orders stock_movements page_visits' [pageviews]=pageviews [ticks]=ticks
  [weather]=readings)
for scenario in shop pageviews ticks weather; do
  read -ra those <<<"${tables[$scenario]}"
  exits 4 "$scenario: no tables: exit status 4" loadgen run --scenario $scenario
  exits 0 "$scenario: init" loadgen init --scenario $scenario
  write=(run --scenario "$scenario" --rate 0 --events 30000 --start-time 2026-01-01 --late-share 0.1 --change-share 0.05)
  exits 0 "$scenario: replay" loadgen "${write[@]}" --json
  tallies=$(sed -E 's/.*"unknown_transactions":0,//' "$folder/out")
  holds "$([[ $tallies =~ :0[,}] ]] && echo 0 || echo 1)" "$scenario: there is something of everything"
  first=$(contents "${those[@]}")
  exits 0 "$scenario: init --drop" loadgen init --scenario $scenario --drop
  exits 0 "$scenario: replay in another way" loadgen "${write[@]}" --clients 3 --batch 77 --method insert
  is "$(contents "${those[@]}")" "$first" "$scenario: same seed, same rows after all changes"
  exits 0 "$scenario: live, on top" loadgen run --scenario $scenario --duration 1 --rate 500
done
is "$(sql "SELECT count(*) > 0 FROM orders WHERE status = 'cancelled'")" t 'shop: orders are cancelled'
is "$(sql "SELECT bool_and(p.price = o.unit_price) FROM products p JOIN (SELECT DISTINCT ON (product_id) product_id, unit_price
  FROM orders WHERE id <= 30000 AND unit_price > 0 ORDER BY product_id, id DESC) o ON o.product_id = p.id WHERE p.id > 30")" t \
  'shop: prices are those of the latest orders'
is "$(sql "SELECT count(DISTINCT symbol), count(*) BETWEEN 26000 AND 30000 FROM ticks
  WHERE traded_at < '2026-02-01'")" '30|t' 'ticks: trades in error are deleted'
is "$(sql "SELECT max((payload #>> '{air,temperature}')::numeric) < 50 FROM readings WHERE id <= 29800")" t \
  'weather: wrong readings are corrected'
is "$(sql "SELECT count(*) FILTER (WHERE timestamp < 1767225600) > 0 FROM pageviews")" t 'pageviews: some are of days before'

fresh
replay+=(--change-share 0.02 --seed 7)
loadgen "${replay[@]}"
titles=$(sql 'SELECT count(*), md5(string_agg(title, chr(10) ORDER BY id)) FROM posts')
is "$(content)" "$(fresh && loadgen init --posts 3000 --drop && loadgen "${replay[@]}" --clients 3 --batch 7 && content)" \
  'blog: edits change no views'
is "$(sql 'SELECT count(*), md5(string_agg(title, chr(10) ORDER BY id)) FROM posts')" "$titles" \
  'blog: same seed, same titles after all edits'
holds "$(sql "SELECT count(*) < 3000 FROM posts" | sed 's/t/1/;s/f/0/')" 'blog: posts are deleted'
loadgen init --posts 3000 --drop

echo '# signals'
for signal in INT TERM; do
  fresh
  begin run --batch 10
  wait_for_rows 200
  kill -$signal $pid
  exits 0 "SIG$signal: exit status 0" wait $pid
  says out "ended +by SIG$signal" "SIG$signal: a summary"
  is "$(sed -nE 's/^ +events +([0-9,]+) .*/\1/p' "$folder/out" | tr -d ,)" "$(rows)" "SIG$signal: the summary is right"
done

fresh
begin run --json --clients 2
wait_for_rows 1
"$bindir/psql" -Xq -c 'BEGIN' -c 'LOCK view_events' -c 'SELECT pg_sleep(30)' >"$folder/lock" 2>&1 &
locker=$!
wait_until is_locked
wait_until both_wait
kill -INT $pid
sleep 0.2
kill -INT $pid
exits 0 'a blocked server and two signals: exit status 0' wait $pid
says err 'does not answer; cancelling' 'a blocked server: a warning'
holds "$(summary not_written) > 0" 'a blocked server: the batches under way are reported as not written'
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()" >/dev/null
wait $locker || true
is "$(rows)" "$(summary events)" 'a blocked server: the summary is right'

fresh
begin run --json --clients 2 --rate 200 --batch 1
wait_for_rows 20
postmaster=$(as_server_user head -n 1 "$data/postmaster.pid")
mapfile -t server < <(pgrep -P "$postmaster")
kill -STOP "${server[@]}" "$postmaster"
sleep 0.5
for _ in 1 2 3; do
  kill -INT $pid
  sleep 0.3
done
exits 6 'a frozen server and three signals: exit status 6' wait $pid
kill -CONT "$postmaster" "${server[@]}"
holds "$(summary unknown_events) == 2" 'a frozen server: what was under way is reported as unknown'

echo '# the server goes away'
fresh
begin run --json --rate 5000 --batch 5
wait_for_rows 200
stop_server immediate
exits 3 'server killed: exit status 3' wait $pid
says err '^trending-loadgen: error: connection lost: ' 'server killed: the message'
says err '^hint: .*--reconnect' 'server killed: the hint'
start_server
holds "$(summary events) <= $(rows) && $(rows) <= $(summary events) + $(summary unknown_events)" \
  'server killed: rows agree with the summary, but for the unknown'

for method in copy insert; do
  fresh
  begin run --json --rate 2000 --batch 4 --events 6000 --method $method --reconnect
  for goal in 400 800; do
    wait_for_rows $goal
    stop_server immediate
    start_server
  done
  status=0
  wait $pid || status=$?
  unknown=$(summary unknown_events)
  is "$status" $((unknown > 0 ? 6 : 0)) "$method, --reconnect: ends, and says if something is unknown"
  holds "$(summary reconnects) > 0" "$method, --reconnect: connected again"
  is $(($(summary events) + unknown)) 6000 "$method, --reconnect: every event is accounted for once"
  holds "$(summary events) <= $(rows) && $(rows) <= 6000" "$method, --reconnect: nothing is written twice"
  says err 'connected again after' "$method, --reconnect: says so"
done

stop_server
begin run -q --events 10 --reconnect
sleep 0.5
start_server
exits 0 '--reconnect waits for a server that is not up yet' wait $pid
stop_server
exits 3 '--reconnect-for gives up' loadgen run --reconnect --reconnect-for 300ms

echo "1..$number"
exit $((failures > 0))
