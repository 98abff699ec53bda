#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Builds the images of docker/ and runs them, without a docker daemon and without images from the internet: make
# check-containers [MAJOR=17]. Needs root.
#
# The base image is made of Debian's packages (mmdebstrap), under the name that the Dockerfile asks for, and podman does
# what docker does. Of compose.yaml all runs but Grafana, whose image only its makers have.
# shellcheck disable=SC2317 # functions are run by check
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

major=${1:-15}
declare -A suites=([15]=bookworm [17]=trixie [18]=forky)
suite=${suites[$major]:-}
[[ -n $suite ]] || die "no Debian release with PostgreSQL $major is known" "Known: ${!suites[*]}."
is_root || die 'images are built as root' 'sudo make check-containers'
require_packages mmdebstrap podman buildah runc netavark aardvark-dns iptables podman-compose
scratch=$(mktemp -d /var/tmp/trending-containers.XXXXXX)
compose=(podman-compose -p trending-check -f "$repository/docker/compose.yaml")
export PORT=25432 PROMETHEUS_PORT=29090 RATE=200 CONTAINERS_CONF=$scratch/containers.conf
failed=0

finish() {
  "${compose[@]}" down --volumes >"$scratch/down.log" 2>&1 || true
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 143' INT TERM HUP

check() { # NAME COMMAND...
  if "${@:2}" >"$scratch/check.log" 2>&1; then say "pass $1"; else say "FAIL $1" && cat "$scratch/check.log" && failed=1; fi
}

await() { # COMMAND...: until it succeeds, two minutes at most
  for _ in {1..120}; do
    ! "$@" || return 0
    sleep 1
  done
  return 1
}

# A slim Debian, which is the base of everything.
make_base() {
  local base=docker.io/library/debian:$suite-slim mirror
  ! podman image exists "$base" || return 0
  mirror=$(debian_mirror)
  mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates --aptopt='Acquire::Check-Valid-Until "false"' \
    "$suite" "$scratch/base.tar" "$mirror"
  podman import -q "$scratch/base.tar" "$base" >/dev/null
}

build() { # TARGET TAG
  podman build -q --network=host -f "$repository/docker/Dockerfile" --target "$1" -t "$2" --build-arg PG_MAJOR="$major" \
    --build-arg SUITE="$suite" "$repository" >/dev/null
}

sql() { podman exec trending-check_server_1 psql -qXAt -U postgres -c "$1"; }
has_ten() { [[ $(sql 'SELECT count(*) FROM trending_top10()') == 10 ]]; }
is_user() { [[ $(podman image inspect -f '{{.User}}' "$1") == "$2" ]]; }
prometheus_sees() { # QUERY
  curl -s "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query" --data-urlencode "query=$1" | grep -q '"value":\[[^]]*"1"\]'
}

others_are_nobody() {
  is_user localhost/trending-loadgen nobody && is_user localhost/trending-exporter nobody &&
    is_user localhost/trending-prometheus prometheus
}
has_data_where_expected() {
  local expected=/var/lib/postgresql/data/main
  ((major < 18)) || expected=/var/lib/postgresql/$major/docker
  [[ $(sql 'SHOW data_directory') == "$expected" ]]
}
has_no_root() { ! podman top trending-check_server_1 user | grep -qx root; }

# Nothing but the files that a server of this major needs, for CloudNativePG.
has_files_only() {
  local id files
  id=$(podman create localhost/trending-extension true)
  files=$(podman export "$id" | tar -t | grep -v '/$')
  podman rm "$id" >/dev/null
  say "$files"
  grep -q '^lib/trending.so$' <<<"$files" && grep -q '^share/extension/trending.control$' <<<"$files" &&
    ! grep -vE '^(lib/trending\.so|share/extension/trending(\.control|--[0-9.-]+\.sql)|(dev|etc|proc|sys|run)(/.*)?)$' <<<"$files"
}

printf '%s\n' '[containers]' 'default_ulimits=["nofile=20000:20000","nproc=10000:10000"]' '[engine]' 'runtime="runc"' \
  'cgroup_manager="cgroupfs"' 'events_logger="file"' >"$CONTAINERS_CONF"
say "Building the images, which takes some minutes"
make_base
for image in server:trending loadgen:trending-loadgen exporter:trending-exporter prometheus:trending-prometheus \
  extension:trending-extension; do
  check "image ${image%:*}" build "${image%:*}" "localhost/${image#*:}"
done
((!failed)) || exit 1
check 'the server is not root' is_user localhost/trending postgres
check 'nor are the others' others_are_nobody
check 'the image for CloudNativePG has files of the extension only' has_files_only
check 'compose up' "${compose[@]}" up -d --no-build server blog exporter prometheus
check 'the top ten of the blog' await has_ten
check 'PGDATA is where the major has it' has_data_where_expected
check 'Prometheus has the metrics' await prometheus_sees trending_worker_up
check 'no process of the server is root' has_no_root
podman restart -t 30 trending-check_server_1 >/dev/null
check 'and the list is there after a restart' await has_ten
exit $failed
