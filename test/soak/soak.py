#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Hours under mixed load: does anything grow, or become slower?

  soak.py [--pg-config PATH] [--hours H] [--rate TX] [--seed S] --out FOLDER

FOLDER gets samples.tsv, soak.svg and the server's log. Prints TAP: that trends equal their definitions all the time, and
that memory, files, tables, WAL and latencies are at the end what they were after the first quarter.
"""

import argparse
import pathlib
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fuzz"))

from cluster import Cluster  # noqa: E402
from load import Load  # noqa: E402
from plot import chart  # noqa: E402

SETTINGS = ["max_wal_size = '256MB'", "min_wal_size = '128MB'", "checkpoint_timeout = '1min'", "autovacuum_naptime = '10s'",
            "synchronous_commit = on", "trending.checkpoint_interval = '10s'", "max_connections = 40", "shared_buffers = '128MB'"]
MB = 1024 * 1024
SAMPLE = """
SELECT w.pid, w.transactions, w.lag_bytes, w.checkpoint_ms, w.memory_granted, w.starts, w.failures, w.set_aside,
       (SELECT sum(size) FROM pg_ls_waldir()) AS wal,
       (SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), min(restart_lsn)) FROM pg_replication_slots) AS slot,
       (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND c.relkind = 'r') AS state,
       (SELECT sum(pg_total_relation_size(t.history)) FROM trending.trend t) AS history,
       (SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r') AS catalog,
       (SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending launcher') AS launcher
FROM   trending.worker_status w
"""
BUCKETS = """SELECT labels ->> 'le', value FROM trending.metrics WHERE name = 'trending_latency_seconds_bucket'
             ORDER BY replace(labels ->> 'le', '+Inf', 'infinity')::float8"""


def of_process(pid):
    """Private memory in bytes, open files, seconds of processor time."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    times = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) * 1024, len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())),
            (int(times[11]) + int(times[12])) / 100)


def quantile(share, buckets):
    """Milliseconds that this share of the transactions in a histogram took at most, interpolated; None without any."""
    wanted, below, lower = share * buckets[-1][1], 0, 0.0
    if not buckets[-1][1]:
        return None
    for bound, upto in buckets:
        if upto >= wanted:
            if bound == float("inf"):
                return 1000 * lower
            return 1000 * (lower + (bound - lower) * (wanted - below) / max(upto - below, 1))
        below, lower = upto, bound
    return None


class Soak:
    def __init__(self, cluster, load):
        self.cluster, self.load, self.samples, self.buckets = cluster, load, [], None
        self.began = time.monotonic()

    def query(self, text):
        connection = self.cluster.connect()
        with connection.cursor() as cursor:
            cursor.execute(text)
            found = [dict(zip([column.name for column in cursor.description], row)) for row in cursor.fetchall()]
        connection.close()
        return found

    def sample(self):
        found = {name: float(value) if value is not None else None for name, value in self.query(SAMPLE)[0].items()}
        found["minutes"] = (time.monotonic() - self.began) / 60
        found["memory"], found["files"], found["cpu"] = of_process(int(found["pid"]))
        found["launcher_memory"] = of_process(int(found["launcher"]))[0]
        now = [tuple(float(value) for value in row.values()) for row in self.query(BUCKETS)]
        since = [(bound, upto - old) for (bound, upto), (_, old) in zip(now, self.buckets)] if self.buckets else now
        self.buckets = now
        found["p50"], found["p99"] = quantile(0.5, since), quantile(0.99, since)
        with self.load.lock:
            reads, self.load.reads = sorted(self.load.reads), []
        found["read_p50"], found["read_p99"] = ((1000 * reads[int(share * len(reads))] for share in (0.5, 0.99)) if reads else (None, None))
        self.samples.append(found)

    def column(self, name, scale=1.0):
        return [None if one[name] is None else one[name] / scale for one in self.samples]

    def per_minute(self, name):
        pairs = zip(self.samples, self.samples[1:])
        return [None] + [(b[name] - a[name]) / (b["minutes"] - a["minutes"]) for a, b in pairs]

    def plot(self):
        return chart(self.column("minutes"), [
            ("Private memory of the worker", " MB", [("worker", self.column("memory", MB)), ("launcher", self.column("launcher_memory", MB))]),
            ("Shared memory granted to trends", " MB", [("granted", self.column("memory_granted", MB))]),
            ("Tables of the stored state, and history", " MB", [("stored state", self.column("state", MB)), ("history", self.column("history", MB))]),
            ("WAL kept, and by the slot", " MB", [("pg_wal", self.column("wal", MB)), ("slot", self.column("slot", MB))]),
            ("Commit to visible", " ms", [("median", self.column("p50")), ("99 %", self.column("p99"))]),
            ("Reads", " ms", [("median", self.column("read_p50")), ("99 %", self.column("read_p99"))]),
            ("Transactions a minute", "", [("transactions", self.per_minute("transactions"))]),
            ("Processor of the worker", " s/min", [("seconds", self.per_minute("cpu"))])])

    def table(self):
        names = list(self.samples[0])
        return "\t".join(names) + "\n" + "".join(
            "\t".join("" if one[name] is None else f"{one[name]:.6g}" for name in names) + "\n" for one in self.samples)

    def quarters(self, name):
        """The greatest values after the warm-up, and at the end; without a sample there is nothing to say."""
        count = len(self.samples)
        early, late = (([one[name] for one in part if one[name] is not None])
                       for part in (self.samples[count // 4:count // 2], self.samples[-(count // 4):]))
        return early, late


def median(values):
    return sorted(values)[len(values) // 2]


def checks(soak, minutes):
    """Name, whether it holds, what was found."""
    load, last = soak.load, soak.samples[-1]
    yield "nothing went wrong", not load.problems, "\n".join(load.problems[:20])
    complaints = soak.cluster.complaints(set())
    yield "the log has no complaint", not complaints, "\n".join(complaints[:20])
    yield "the worker never ended", last["starts"] == 1 and last["failures"] == 0 and last["set_aside"] == 0, last
    wanted = 0.5 * load.rate * 60 * minutes
    yield f"{last['transactions']:.0f} transactions were applied", last["transactions"] > wanted, f"{wanted:.0f} wanted"
    yield f"verify ran {load.counts.get('verify', 0) + load.counts.get('come and go', 0)} times", load.counts.get("come and go", 0) > 0, load.counts
    for name, what, factor, slack in (("memory", "the worker's private memory", 1.2, 8 * MB), ("launcher_memory", "the launcher's", 1.1, MB),
                                      ("files", "the worker's open files", 1.0, 40), ("memory_granted", "shared memory", 1.2, 8 * MB),
                                      ("state", "the tables of the stored state", 1.3, 16 * MB),
                                      ("history", "history", 1.5, 32 * MB),
                                      ("wal", "WAL", 1.2, 128 * MB), ("slot", "WAL that the slot keeps", 1.5, 64 * MB)):
        early, late = soak.quarters(name)
        yield (f"{what} does not grow: {max(early):.0f} in the second quarter, {max(late):.0f} in the last",
               max(late) <= factor * max(early) + slack, "")
    for name, what, slack in (("p99", "99 % of commits are visible", 50), ("read_p99", "99 % of reads end", 50)):
        early, late = soak.quarters(name)
        yield (f"{what} as soon at the end: {median(early):.1f} ms in the second quarter, {median(late):.1f} ms in the last",
               median(late) <= 2 * median(early) + slack, "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pg-config", default="pg_config")
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--rate", type=float, default=150, help="transactions a second of the writers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is removed
    options.out.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(options.pg_config, SETTINGS)
    load = Load(cluster.connect, options.rate, options.seed, options.hours * 3600)
    soak, failed = Soak(cluster, load), 0
    try:
        load.start()
        soak.began = time.monotonic()
        end, period = soak.began + options.hours * 3600, max(1, options.hours * 3600 / 240)
        while time.monotonic() < end:
            time.sleep(max(0, min(period, end - time.monotonic())))
            soak.sample()
            (options.out / "samples.tsv").write_text(soak.table())
        load.stop()
        (options.out / "soak.svg").write_text(soak.plot())
        for count, (name, holds, found) in enumerate(checks(soak, options.hours * 60), 1):
            print(f"{'ok' if holds else 'not ok'} {count} - {name}", flush=True)
            failed += not holds
            if not holds:
                print("".join(f"# {line}\n" for line in str(found).splitlines()), end="", flush=True)
        print(f"1..{count}")
    finally:
        load.stop()
        shutil.copy(cluster.log, options.out / "server.log")
        cluster.remove()
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
