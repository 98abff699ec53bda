#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Checks monitoring/ and the dashboard of docker/grafana: rules by promtool; then a real Prometheus scrapes a real server
through both exporters, and every query of the rules and of the dashboard is put to it.

    run.py --tools FOLDER     FOLDER/usr/bin has prometheus, promtool and the exporters of Debian's packages

The server is that of PGHOST, PGPORT, PGUSER. Prints TAP.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
DASHBOARD = ROOT / "docker/grafana/dashboards/trending.json"
DATABASE = "monitored"
SETUP = """
CREATE ROLE prometheus LOGIN;
CREATE EXTENSION trending;
CREATE TABLE clicks (page int, at timestamptz);
ALTER TABLE clicks REPLICA IDENTITY FULL;
SELECT trending.create_trend('pages', $$
  SELECT window_end, page, count(*) AS n FROM clicks, trending.tumble(at, '1 minute')
  GROUP  BY window_start, window_end, page ORDER BY n DESC $$);
SELECT trending.sync('1 minute');
INSERT INTO clicks SELECT n % 7, now() FROM generate_series(1, 700) n;
INSERT INTO clicks VALUES (1, NULL);
SELECT trending.sync('1 minute');
"""
NAME = re.compile(r"\btrending_[a-z_]+\b")
count = failed = 0


def result(passed, name, found=""):
    global count, failed
    count += 1
    failed += not passed
    print(f"{'ok' if passed else 'not ok'} {count} - {name}", flush=True)
    if not passed:
        print("".join(f"# {line}\n" for line in str(found).splitlines()), end="", flush=True)


def await_true(what, condition, seconds=60):
    """What `condition` returns once it is true."""
    end = time.monotonic() + seconds
    found = problem = None
    while time.monotonic() < end:
        try:
            found = condition()
        except OSError as error:
            problem = error
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{what}: {problem or found!r}")


def free_ports(number):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def psql(script, database=DATABASE):
    found = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", database], input=script, text=True,
                           timeout=90, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if found.returncode:
        raise RuntimeError(found.stderr)
    return found.stdout


class Stack:
    """Both exporters and a Prometheus, on free ports, with the files of monitoring/ but for their addresses."""

    def __init__(self, tools, folder, stack):
        self.tools, self.folder, self.stack = tools, folder, stack
        self.postgres, self.sql, self.prometheus = free_ports(3)
        host, port = os.environ["PGHOST"], os.environ.get("PGPORT", "5432")
        self.start("prometheus-postgres-exporter", f"--extend.query-path={MONITORING}/postgres_exporter.yaml",
                   "--disable-default-metrics", "--disable-settings-metrics",
                   f"--web.listen-address=127.0.0.1:{self.postgres}",
                   DATA_SOURCE_NAME=f"user=prometheus host={host} port={port} dbname={DATABASE} sslmode=disable")
        config = (MONITORING / "sql_exporter.yml").read_text().replace("interval: 15s", "interval: 1s")
        config = re.sub(r"postgres://.*", f"postgres://prometheus@/{DATABASE}?host={host}&port={port}&sslmode=disable", config)
        self.start("prometheus-sql-exporter", "-config.file", self.file("sql_exporter.yml", config),
                   "-web.listen-address", f"127.0.0.1:{self.sql}")
        config = (MONITORING / "prometheus.yml").read_text().replace("_interval: 15s", "_interval: 1s")
        config = config.replace(":9187", f":{self.postgres}").replace(":9237", f":{self.sql}")
        config = config.replace("alerts.yml", str(MONITORING / "alerts.yml"))
        self.start("prometheus", "--config.file=" + self.file("prometheus.yml", config), f"--storage.tsdb.path={folder}/tsdb",
                   f"--web.listen-address=127.0.0.1:{self.prometheus}", "--log.level=warn")

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self, program, *arguments, **environment):
        log = self.stack.enter_context(open(self.folder / f"{program}.log", "w"))
        process = subprocess.Popen([self.tools / program, *arguments], cwd=self.folder, stdout=log, stderr=log,
                                   env={**os.environ, "GOMAXPROCS": "1", **environment})
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)

    def query(self, expression):
        """The series that Prometheus answers with; an error of its own raises."""
        answer = get(self.prometheus, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        return json.loads(answer)["data"]["result"]


def check_rules(tools):
    for what in (["check", "rules", "alerts.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        found = subprocess.run([tools / "promtool", *what], cwd=MONITORING, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        result(found.returncode == 0, "promtool " + " ".join(what), found.stdout)
    rules = {rule["alert"] for rule in alert_rules()}
    tests = yaml.safe_load((MONITORING / "alerts_test.yml").read_text())["tests"]
    provoked = {part["alertname"] for test in tests for part in test.get("alert_rule_test", []) if part["exp_alerts"]}
    result(rules == provoked, "each alert is provoked", rules ^ provoked)


def alert_rules():
    return yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]


def check_metrics(stack, names):
    """Both exporters have every metric of the view, and nothing else of that name."""
    text = await_true("PostgreSQL exporter", lambda: get(stack.postgres, "/metrics"))
    result(set(re.findall(r"^(trending_\w+)[{ ]", text, re.M)) == names, "the PostgreSQL exporter has every metric",
           set(re.findall(r"^(trending_\w+)[{ ]", text, re.M)) ^ names)
    kinds = dict(re.findall(r"^# TYPE (trending_\w+) (\w+)$", text, re.M))
    known = dict(line.split("|") for line in psql("""SELECT DISTINCT CASE type WHEN 'histogram'
      THEN regexp_replace(name, '_(bucket|sum|count)$', '') ELSE name END, type FROM trending.metrics""").split())
    result(kinds == known, "of the same type", set(kinds.items()) ^ set(known.items()))
    await_true("SQL exporter", lambda: "trending_events_total" in get(stack.sql, "/metrics"))
    found = set(re.findall(r'name="(trending_\w+)"', get(stack.sql, "/metrics")))
    result(found == names, "the SQL exporter has every metric", found ^ names)


def check_prometheus(stack):
    for job in ("trending-postgres-exporter", "trending-sql-exporter"):
        series = await_true(job, lambda job=job: stack.query(f'trending_events_total{{job="{job}"}}'))
        result([one["value"][1] for one in series] == ["700"] and series[0]["metric"]["trend"] == "pages"
               and series[0]["metric"]["database"] == DATABASE, f"Prometheus has what was counted, of {job}", series)
        result(await_true(job, lambda job=job: stack.query(f'trending_null_time_total{{job="{job}"}}'))[0]["value"][1] == "1",
               "and what was not")
    counts = await_true("the histogram", lambda: (
        lambda found: found if len(found) == 2 and len({one["value"][1] for one in found}) == 1 else None)(
            stack.query("max by (job) (trending_latency_seconds_count)")))
    buckets = stack.query('max by (job) (trending_latency_seconds_bucket{le="+Inf"})')
    result([one["value"][1] for one in buckets] == [one["value"][1] for one in counts] and int(counts[0]["value"][1]) > 0,
           "both exporters have the histogram of latencies", [buckets, counts])
    rules = await_true("rules", lambda: (
        lambda found: found if all(rule["health"] != "unknown" for rule in found) else None)(
            json.loads(get(stack.prometheus, "/api/v1/rules"))["data"]["groups"][0]["rules"]))
    result(all(rule["health"] == "ok" for rule in rules), "every rule is evaluated", rules)
    # Before the first scrape there is nothing.
    alarmed = {rule["name"] for rule in rules if rule["state"] != "inactive"} - {"TrendingNotMonitored"}
    result(not alarmed, "no alert while nothing is wrong", alarmed)


def check_stopped(stack):
    psql("ALTER TABLE clicks SET UNLOGGED; SELECT trending.sync('1 minute')")
    await_true("the alert", lambda: stack.query('ALERTS{alertname="TrendingTrendStopped",trend="pages"}'))
    result(True, "a trend that stops is seen by Prometheus")


def expressions_of_dashboard():
    """Queries of panels and variables, with the variables filled in as Grafana does."""
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], re.sub(r"\$(database|trend)\b", ".*", target["expr"]).replace("$__rate_interval", "1m")
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], re.sub(r"label_values\((.*), \w+\)", r"\1", variable["query"]["query"]).replace("$database", ".*")


def check_dashboard(stack, names):
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in board["panels"]]
    apart = all(a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
                for i, a in enumerate(places) for b in places[:i])
    result(len(set(ids)) == len(ids) and apart and all(x + w <= 24 for x, _, w, _ in places), "panels do not overlap", places)
    result(all(panel["type"] in ("stat", "timeseries") and panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
               for panel in board["panels"]), "panels are of known types and read the chosen source")
    shown = set()
    for title, expression in expressions_of_dashboard():
        shown |= set(NAME.findall(expression))
        try:  # rates need two samples
            await_true(expression, lambda expression=expression: stack.query(expression), 20)
            result(True, f"dashboard, {title}: {expression}")
        except OSError as error:
            result(False, f"dashboard, {title}: {expression}", error)
    result(shown <= names, "the dashboard shows metrics that exist", shown - names)
    asked = set(NAME.findall(" ".join(rule["expr"] for rule in alert_rules())))
    result(asked <= names, "alerts ask for metrics that exist", asked - names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    tools = parser.parse_args().tools.resolve() / "usr/bin"
    check_rules(tools)
    psql(f"CREATE DATABASE {DATABASE}", "postgres")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as exits:
        psql(SETUP)
        # The time since a checkpoint is known once there was one.
        await_true("a checkpoint", lambda: psql("SELECT 1 FROM trending.metrics WHERE name = 'trending_checkpoint_age_seconds'"))
        names = set(psql("SELECT DISTINCT name FROM trending.metrics").split())
        stack = Stack(tools, pathlib.Path(folder), exits)
        check_metrics(stack, names)
        check_prometheus(stack)
        check_dashboard(stack, names)
        check_stopped(stack)
    print(f"1..{count}")
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
