#!/usr/bin/env bash
# An example under load: make example NAME=shop [DURATION=seconds] [PORT=number]
#
# Installs what is missing (apt), builds, starts a private PostgreSQL with the extension, makes the tables and trends of
# examples/NAME, lets a load generator write to them, and shows the trends every second until Ctrl-C, or for DURATION
# seconds. Then everything it started is stopped and its data removed. The system's own PostgreSQL is not touched.
#   NAME       blog, shop, pageviews, ticks or weather
#   PORT       where the private server listens on localhost (15432)
#   RATE       events a second (the example's own)
#   PG_CONFIG  which server, if not the newest installed
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/live.sh"

name=${NAME:-}
example=$repository/examples/$name
goal="example NAME=$name"
log_folder=$repository/build/example-$name
filling="tables and trends of $name"
options=()       # of the load generator, always
past=            # how many seconds before now the first events are dated
past_events=     # and how many they are

# Late rows are part of every example; changes of older rows come with the scenario.
choose_load() {
  case $name in
    blog) set_load 1000 1200 100000 --late-share 0.02 --change-share 0.001 --skew 0.7 --viral-every 6s --viral-life 60s ;;
    shop) set_load 200 7200 150000 --late-share 0.02 ;;
    pageviews) set_load 1000 600 100000 ;;
    ticks) set_load 1000 600 100000 --late-share 0.02 --late-max 2s ;;
    weather) set_load 100 14400 40000 --late-share 0.02 ;;
    *) die "NAME must be blog, shop, pageviews, ticks or weather, not '$name'" "make example NAME=shop" ;;
  esac
}

set_load() { # RATE PAST EVENTS OPTIONS...
  rate=${rate:-$1}
  past=$2
  past_events=$3
  options=(--scenario "$name" "${@:4}")
}

write_past() {
  # At --rate 0 ten thousand events are written in a second of the generator's timetable.
  "$loadgen_program" run --dbname "$conninfo" --seed "$seed" "${options[@]}" --rate 0 --clients 1 --events "$past_events" \
    --start-time "$(date -u -d "$past seconds ago" +%FT%TZ)" --speed "$((past * 10000 / past_events))"
}

# The trends are there first, so that the windows of the past close as they fill.
fill_database() {
  run_psql -c 'CREATE EXTENSION trending' -f "$example/schema.sql"
  "$loadgen_program" init --dbname "$conninfo" --scenario "$name"
  run_psql -f "$example/trends.sql"
  write_past
  run_psql -c "SELECT trending.sync('60 seconds')"
}

start_load() { start_loadgen "${options[@]}" --rate "$rate" --clients 2; }

start_viewer() { :; }

# The example's own queries; on a terminal as much of them as fits.
show_frame() {
  run_psql -P footer=off -P null=- -f "$example/watch.sql" >"$folder/frame" || return 1
  if on_terminal; then
    local lines
    lines=$(tput lines 2>/dev/null || say 24)
    printf '\e[H\e[?7l'
    head -n "$((lines > 8 ? lines - 4 : 4))" "$folder/frame" | sed $'s/$/\e[K/'
    printf '\e[?7h'
  else
    cat "$folder/frame"
  fi
  show_foot
}

case ${1:-} in
  '')
    choose_load
    run_live
    ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d'
    [[ $1 == --help ]]
    ;;
esac
