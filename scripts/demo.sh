#!/usr/bin/env bash
# The live top 10 of a blog under load: make demo [DURATION=seconds] [PORT=number]
#
# Installs what is missing (apt), builds, starts a private PostgreSQL with the extension and a load
# generator, and shows the ranking every second until Ctrl-C, or for DURATION seconds. Then everything it
# started is stopped and its data removed. The system's own PostgreSQL is not touched: the demo runs on a
# private copy of its programs.
#   PORT       where the private server listens on localhost (15432)
#   RATE       page views a second (2000)
#   PG_CONFIG  which server, if not the newest installed
#   VIEWER=no  no window, although there is a display
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/live.sh"

goal=demo
rate=${RATE:-2000}
log_folder=$repository/build/demo
filling="blog and the trend"
last_seen=      # of the frame before: clock and events counted

# The blog as it was when the demo began: five quiet minutes, which the trend counts when it is created.
fill_database() {
  "$loadgen_program" init --dbname "$conninfo" --posts 5000
  "$loadgen_program" run --dbname "$conninfo" --seed "$seed" --skew 0.7 --rate 0 --events 150000 --viral-every 0 \
    --start-time "$(date -u -d '300 seconds ago' +%FT%TZ)" --speed 20
  run_psql -f "$repository/examples/top_posts.sql" -c "SELECT trending.sync('30 seconds')"
}

# Then posts go viral often, so that ranks change while one looks.
start_load() { start_loadgen --skew 0.7 --rate "$rate" --clients 2 --viral-every 6s --viral-life 60s; }

# A window as well, where there is a display. The table does not wait for it to be built.
start_viewer() {
  [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} && ${VIEWER:-yes} != no ]] || return 0
  # shellcheck disable=SC2016 # expanded by the shell that is started
  start "$log_folder/viewer.log" nice bash -c \
    'bash "$1/scripts/viewer.sh" && exec "$1/build/viewer/trending-viewer" --trend top_posts' viewer "$repository"
  viewer=$started
}

arrows() {
  if [[ $(locale charmap 2>/dev/null) == UTF-8 ]]; then say '▲ ▼'; else say '+ -'; fi
}

# One round trip: how long until all that is committed now is visible, the trend's counters, the ranking.
read_frame() {
  run_psql -At -F $'\t' -v width="$1" <<-'SQL'
	SELECT clock_timestamp() AS asked, trending.sync('5 seconds') AS position \gset
	SELECT 'trend', extract(epoch FROM clock_timestamp()), events, live_groups,
	       to_char(window_start, 'HH24:MI:SS'), to_char(window_end, 'HH24:MI:SS'),
	       round(1000 * extract(epoch FROM clock_timestamp() - :'asked'::timestamptz), 1)
	FROM   trending.status WHERE trend = 'top_posts';
	SELECT 'post', rank, key, value, left(label, :width) FROM trending.top('top_posts', 200);
	SQL
}

# Arguments: escape codes or not, the frame that ranks are compared with, the frame to show.
render_frame() {
  awk -F '\t' -v seen="$last_seen" -v arrows="$(arrows)" -v escapes="$1" '
    function thousands(n,    s) {
      s = sprintf("%d", n)
      while (match(s, /[0-9][0-9][0-9][0-9](,|$)/)) s = substr(s, 1, RSTART) "," substr(s, RSTART + 1)
      return s
    }
    function paint(code, text) { return escapes ? "\033[" code "m" text "\033[0m" : text }
    function change(rank, key) {
      if (!(key in before)) return paint(36, " new")
      if (before[key] > rank) return paint(32, sprintf(" %s%-2d", arrow[1], before[key] - rank))
      if (before[key] < rank) return paint(31, sprintf(" %s%-2d", arrow[2], rank - before[key]))
      return "    "
    }
    function line(text) { print text (escapes ? "\033[K" : "") }
    BEGIN { split(arrows, arrow, " "); split(seen, old, " ") }
    FNR == 1 { file++ }
    file == 1 { if ($1 == "post") before[$3] = $2; next }
    $1 == "trend" {
      speed = seen == "" || $2 <= old[1] ? "" : sprintf(", %s a second", thousands(($3 - old[2]) / ($2 - old[1])))
      line(paint(1, "Most viewed posts") ($5 == "" ? "" : "   window " $5 " - " $6 ", moves every 10 s"))
      line(thousands($3) " views" speed "; " thousands($4) " posts; visible " $7 " ms after commit")
      line("")
      line(paint(1, "  #           views  post"))
    }
    $1 == "post" && $2 <= 10 { line(sprintf("%3d %s %10s  %s", $2, change($2 + 0, $3), thousands($4), $5)) }
    ' "$2" "$3"
}

window_of() { awk -F '\t' '$1 == "trend" { print $5 }' "$1"; }

# Ranks are compared with those before the window moved last, or with the first ones seen.
keep_frame() {
  if [[ ! -e $folder/latest ]]; then
    cp "$folder/frame" "$folder/compared"
  elif [[ $(window_of "$folder/latest") != "$(window_of "$folder/frame")" ]]; then
    mv "$folder/latest" "$folder/compared"
  fi
  cp "$folder/frame" "$folder/latest"
}

show_frame() {
  local escapes='' width=60
  if on_terminal; then
    escapes=1
    width=$(($(tput cols 2>/dev/null || say 80) - 22))
  fi
  read_frame "$((width > 10 ? width : 10))" >"$folder/frame" || return 1
  keep_frame
  [[ -z $escapes ]] || printf '\e[H'
  render_frame "$escapes" "$folder/compared" "$folder/frame"
  last_seen=$(awk -F '\t' '$1 == "trend" { print $2, $3 }' "$folder/frame")
  show_foot
}

case ${1:-} in
  '') run_live ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d'
    [[ $1 == --help ]]
    ;;
esac
