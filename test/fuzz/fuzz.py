#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Random definitions over random sources under random work, compared with queries that do not come from the extension.

An episode makes sources and trends, lets several connections work on them (their commits in an order that the driver
knows), kills and restarts under way, and compares every trend and every history with what should be there. All that is
random comes from the episode's seed: a failure is repeated by the line that it prints.

  fuzz.py [--pg-config PATH] [--minutes M | --episodes N] [--seed S]
"""

import argparse
import random
import sys
import time
import traceback
from datetime import timedelta

import psycopg2

from check import Checker
from cluster import Cluster, PATIENCE
from grammar import COLUMNS, random_definition
from model import Model, Source, Trend
from work import Transaction, Work


WORKERS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending worker' AND datname = current_database()"


class Failure(Exception):
    pass


class Episode:
    def __init__(self, cluster, seed, killed):
        self.cluster, self.seed, self.killed = cluster, seed, killed
        self.rng = random.Random(seed)
        self.database = f"fuzz_{seed}"
        self.log = []
        self.trend_numbers = 0

    def connect(self):
        return self.cluster.connect(self.database)

    def say(self, text):
        self.log.append(text)

    def execute(self, statement, fetch=False):
        self.say(statement)
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if fetch else None
        finally:
            connection.close()

    def value(self, query):
        return self.execute(query, fetch=True)[0][0]

    def wait_for(self, query):
        end = time.monotonic() + PATIENCE
        while not self.value(query):
            if time.monotonic() > end:
                raise Failure(f"waited in vain for {query}")
            time.sleep(0.1)

    # -- set-up

    def run(self):
        self.administer(f"CREATE DATABASE {self.database}")
        try:
            self.make_sources()
            self.work = Work(self.rng, self.model, self.sources, self.connect, self.log)
            self.checker = Checker(self)
            self.fill_beforehand()
            for source in self.sources:
                for _ in range(self.rng.randrange(1, 5)):
                    self.create_trend(source)
            for _ in range(self.rng.randrange(1, 4)):
                self.act()
                self.check()
        finally:
            self.close()
        self.administer(f"DROP DATABASE {self.database} WITH (FORCE)")

    def administer(self, statement):
        connection = self.cluster.connect()
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def close(self):
        if hasattr(self, "work"):
            for worker in self.work.workers:
                worker.lost()
            if getattr(self.work, "own", None) is not None:
                self.work.own.close()

    def make_sources(self):
        self.execute("CREATE EXTENSION trending; CREATE SCHEMA fuzz; CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');"
                     "CREATE TABLE fuzz.bound (trend int, vid bigint, lo timestamptz, hi timestamptz, came bool NOT NULL DEFAULT false, PRIMARY KEY (trend, vid));"
                     "GRANT CREATE ON SCHEMA public TO fuzz_owner; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO fuzz_owner")
        self.model = Model(self.connect)
        self.sources = []
        columns = ", ".join(f"{name} {kind}" for name, kind, _ in COLUMNS)
        for number in range(self.rng.choice([1, 2])):
            source = Source(f"src{number}", self.rng.choice(["timestamptz", "timestamptz", "timestamp", "date"]),
                            self.rng.random() < 0.5, self.rng.random() < 0.3)
            self.sources.append(source)
            tail = " PARTITION BY HASH (rid)" if source.partitioned else ""
            self.execute(f"CREATE TABLE {source.name} (rid bigint, ts {source.time_type}, {columns}){tail};"
                         f"CREATE TABLE fuzz.shadow_{source.name} (vid bigint PRIMARY KEY, rid bigint, ts {source.time_type}, {columns})")
            tables = [source.name]
            if source.partitioned:
                tables = []
                for part in range(3):
                    tables.append(f"{source.name}_{part}")
                    self.execute(f"CREATE TABLE {tables[-1]} PARTITION OF {source.name} FOR VALUES WITH (modulus 3, remainder {part})")
            for table in tables:
                self.execute(f"CREATE INDEX ON {table} (rid)")
                if source.mutable:
                    self.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")

    def fill_beforehand(self):
        """Rows from before the trends: with `backfill`, open windows have them, and so has history."""
        if self.rng.random() < 0.5:
            for _ in range(self.rng.randrange(1, 20)):
                self.work.step()
            self.work.settle()

    def create_trend(self, source):
        self.trend_numbers += 1
        definition = random_definition(self.rng, source.name, source.time_type, source.mutable)
        if definition.window.gap and source.mutable:
            return
        number, options = self.trend_numbers, definition.options
        if definition.window.gap:
            options["history_limit"] = None
        trend = Trend(number, f"trend{number}", definition, source)
        if definition.window.gap:
            amount, unit = definition.window.gap.split()
            trend.gap = timedelta(seconds=float(amount))
        limit = "NULL" if options["history_limit"] is None else str(options["history_limit"])
        partition = ""
        if definition.partition_by:
            partition = f", partition_by => ARRAY[{', '.join(repr(k) for k in definition.key_names()[:definition.partition_by])}]::name[]"
        backfill = self.rng.choice(["true", "true", "'open'", "false"])
        if trend.gap and backfill == "'open'":
            backfill = "true"
        retention = options["retention"]
        if trend.gap:
            options["retention"] = retention = None
        if source.mutable and backfill == "false":
            backfill = "true"  # rows from before that change later are taken from what was never counted
        self.work.settle(source)
        if source.refilled:
            self.catch_up(source)
        role = "SET ROLE fuzz_owner; " if self.rng.random() < 0.3 else ""
        self.execute(role + f"SELECT trending.create_trend('{trend.name}', $def${definition.text()}$def$, "
                     f"watermark_delay => '{options['watermark_delay']} s', allowed_lateness => '{options['allowed_lateness']} s', "
                     f"late_events => '{'keep' if options['keeps_late'] else 'drop'}', "
                     + (f"retention => '{retention} s', " if retention else "") +
                     f"idle_timeout => '9000 days', history_limit => {limit}, backfill => {backfill}{partition})")
        source.trends.append(trend)
        if backfill != "false":
            self.adopt(source, trend, only_open=backfill == "'open'")
        # What is committed right after it is in history in any case.
        source.refilled = True
        if self.rng.random() < 0.5:
            self.catch_up(source)

    def catch_up(self, source=None):
        """Waits until everything committed is counted. Trends that are filled wait for open writers of their source."""
        self.work.settle(source)
        self.execute(f"SELECT trending.sync('{PATIENCE} s')")
        # Until history is filled back, windows take in what was written meanwhile.
        self.wait_for("SELECT NOT EXISTS (SELECT FROM trending.status WHERE state <> 'running' OR backfilling)")
        self.wait_until_stored()
        for caught_up in self.sources if source is None else [source]:
            caught_up.refilled = False

    def wait_until_stored(self):
        """Until a filled state is stored, a crash forgets which rows came too late. What is stored of it at once may be
        from before it was refilled: a checkpoint from now on has it, or nothing."""
        now = self.value("SELECT pg_current_wal_insert_lsn()")
        end = time.monotonic() + PATIENCE
        nudge = time.monotonic() + 2
        while not self.value(f"SELECT confirmed_lsn >= '{now}' AND NOT EXISTS (SELECT FROM trending.trend t WHERE NOT EXISTS "
                             "(SELECT FROM trending.trend_state s WHERE s.trend_id = t.id)) FROM trending.worker_status"):
            if time.monotonic() > end:
                raise Failure("waited in vain for a checkpoint")
            if time.monotonic() > nudge:
                # A worker that has nothing to write moves its position on after some WAL only.
                for _ in range(2):
                    self.execute("SELECT pg_logical_emit_message(true, 'fuzz', ''); SELECT pg_switch_wal()")
                nudge = time.monotonic() + 2
            time.sleep(0.1)

    def adopt(self, source, trend, only_open):
        """The rows that are there count in every window, or in those that are not final; the clock stands at the latest."""
        connection = self.connect()
        with connection.cursor() as cursor:
            windowed = trend.definition.windowed()
            vids = [v.vid for v in source.rows.values() if not (v.ahead and windowed)]
            cursor.execute("INSERT INTO fuzz.bound (trend, vid) SELECT %s, unnest(%s::bigint[])", (trend.number, vids))
            if windowed:
                trend.move(self.model.accepted_clock(cursor, trend, vids))
                if only_open:
                    cursor.execute("UPDATE fuzz.bound SET lo = %s WHERE trend = %s", (trend.horizon, trend.number))
        connection.close()

    # -- acting

    def act(self):
        actions = [(self.work.step, 100), (self.kill_worker, 1), (self.end_worker, 1), (self.kill_server, 0.5),
                   (self.harmless, 2), (self.alter_trend, 1), (self.drop_trend, 0.3), (self.truncate, 0.5),
                   (self.new_trend, 0.7), (self.let_rows_go, 1), (self.swap_partition, 0.5)]
        choices, weights = zip(*actions)
        for _ in range(self.rng.randrange(30, 200)):
            self.rng.choices(choices, weights)[0]()

    def kill_worker(self):
        """Whichever runs, or begins to: what comes next must not depend on how soon it is there."""
        if not any(source.trends for source in self.sources):
            return
        self.wait_for(f"SELECT EXISTS ({WORKERS})")
        pid = self.value(f"SELECT coalesce(max(pid), 0) FROM ({WORKERS}) w")
        self.say("-- kill -9 of the worker")
        if pid:
            self.killed.add(pid)
            self.cluster.kill(pid)
        self.work.server_lost()

    def end_worker(self):
        self.execute(f"SELECT pg_terminate_backend(pid) FROM ({WORKERS}) w")

    def kill_server(self):
        self.say("-- immediate stop of the server")
        self.work.server_lost()
        self.cluster.stop("immediate")
        self.cluster.start()

    def harmless(self):
        """What administrators do and no trend may notice."""
        source = self.rng.choice(self.sources)
        table = source.name
        lockless = [f"ANALYZE {table}", f"VACUUM {table}", "CHECKPOINT", "SELECT pg_switch_wal()",
                    f"COMMENT ON TABLE {table} IS 'x'"]
        locking = [f"ALTER TABLE {table} ALTER t SET STATISTICS 50", f"ALTER TABLE {table} ADD c{self.rng.randrange(10**9)} int",
                   f"CREATE INDEX ON {table} (k1)", f"VACUUM FULL {table}",
                   f"ALTER TABLE {table} ADD c{self.rng.randrange(10**9)} int DEFAULT 7",
                   f"ALTER TABLE {table} ALTER k2 SET DEFAULT 'x'"]
        if source.partitioned:
            locking = [s for s in locking if "VACUUM" not in s]
        statement = self.rng.choice(lockless + locking)
        if statement in locking:
            self.work.settle(source)
        self.execute(statement)

    def any_trend(self):
        trends = [(s, t) for s in self.sources for t in s.trends]
        return self.rng.choice(trends) if trends else (None, None)

    def alter_trend(self):
        source, trend = self.any_trend()
        if trend is None or not trend.definition.windowed() or trend.gap:
            return
        if source.refilled:
            self.catch_up(source)
        option = self.rng.choice(["watermark_delay", "allowed_lateness"])
        value = self.rng.choice([0, 1, 5, 30, 120])
        self.execute(f"SELECT trending.alter_trend('{trend.name}', {option} => '{value} s')")
        trend.definition.options[option] = value
        trend.settle()

    def drop_trend(self):
        source, trend = self.any_trend()
        if trend is not None and len(source.trends) > 1:
            source.trends.remove(trend)
            self.execute(f"DROP FOREIGN TABLE {trend.name}")

    def new_trend(self):
        source = self.rng.choice(self.sources)
        if len(source.trends) < 6:
            self.create_trend(source)

    def truncate(self):
        """Only where every trend goes on from a row of the latest time: a clock that goes back is another matter."""
        source = self.rng.choice(self.sources)
        if not source.trends or any(t.definition.where or t.definition.guard or t.gap for t in source.trends):
            return
        self.catch_up(source) if source.refilled else self.work.settle(source)
        clocks = [t.clock for t in source.trends if t.clock is not None]
        if source.time_type == "date" or not clocks:
            return
        version = self.work.random_version(source)
        self.work.set_time(source, version, max(clocks))
        names = list(version.literals)
        self.execute(f"BEGIN; TRUNCATE {source.name}; INSERT INTO {source.name} (rid, {', '.join(names)}) "
                     f"VALUES ({version.rid}, {', '.join(version.literals.values())}); COMMIT")
        transaction = Transaction(source, [version], list(source.rows.values()))
        self.work.committed(transaction)
        source.refilled = True
        if self.rng.random() < 0.3:
            self.catch_up(source)

    def let_rows_go(self):
        """From trends that are filled anew for it: which takes in what is there when they come to it, so alone."""
        source = self.rng.choice(self.sources)
        if not source.mutable or not source.rows or source.lets_rows_go():
            return
        self.catch_up(source)
        worker = self.work.workers[0]
        if worker.transaction is not None:
            return
        source.refilled = True
        transaction = worker.transaction = Transaction(source)
        worker.cursor().execute("BEGIN")
        for _ in range(self.rng.randrange(1, 4)):
            self.work.change(worker, transaction, delete=self.rng.random() < 0.5)
        worker.cursor().execute("COMMIT")
        worker.transaction = None
        self.work.committed(transaction)
        if self.rng.random() < 0.5:
            self.catch_up(source)

    def swap_partition(self):
        """A partition goes and comes again with other rows, at once or one after the other."""
        source = self.rng.choice([s for s in self.sources if s.partitioned] or [None])
        if source is None or source.time_type == "date" or any(
                t.definition.where or t.definition.guard or t.gap for t in source.trends):
            return
        self.catch_up(source)
        clocks = [t.clock for t in source.trends if t.clock is not None]
        part = self.rng.randrange(3)
        table, bounds = f"{source.name}_{part}", f"FOR VALUES WITH (modulus 3, remainder {part})"
        gone = self.value(f"SELECT coalesce(array_agg(rid), '{{}}') FROM {table}")
        removed = [source.rows[rid] for rid in gone if self.rng.random() < 0.7]
        added = [v for v in (self.work.random_version(source) for _ in range(6)) if clocks]
        for version in added:
            self.work.set_time(source, version, max(clocks))
        statements = [f"ALTER TABLE {source.name} DETACH PARTITION {table}",
                      f"DELETE FROM {table} WHERE rid = ANY('{{{','.join(str(v.rid) for v in removed)}}}')"]
        for version in added:
            names = ", ".join(version.literals)
            statements.append(f"INSERT INTO {table} (rid, {names}) SELECT {version.rid}, {', '.join(version.literals.values())} "
                              f"WHERE satisfies_hash_partition('{source.name}'::regclass, 3, {part}, {version.rid}::bigint)")
        statements.append(f"ALTER TABLE {source.name} ATTACH PARTITION {table} {bounds}")
        self.execute("BEGIN; " + "; ".join(statements) + "; COMMIT")
        there = set(self.value(f"SELECT coalesce(array_agg(rid), '{{}}') FROM {table}"))
        transaction = Transaction(source, [v for v in added if v.rid in there], removed)
        self.work.committed(transaction)
        source.refilled = True

    # -- checking

    def check(self):
        self.catch_up()
        problem = self.checker.problem()
        if problem:
            raise Failure(problem)


def new_cluster(pg_config):
    cluster = Cluster(pg_config)
    connection = cluster.connect()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE fuzz_owner")
    connection.close()
    return cluster


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pg-config", default="pg_config", help="of the server, in which the extension is installed")
    parser.add_argument("--minutes", type=float, help="how long to go on")
    parser.add_argument("--episodes", type=int, help="how many episodes")
    parser.add_argument("--seed", type=int, help="of the first episode; the next ones follow by one (default: random)")
    parser.add_argument("--verbose", action="store_true", help="print the statements of a failed episode")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(10**9)
    episodes = arguments.episodes or (None if arguments.minutes else 1)
    end = time.monotonic() + arguments.minutes * 60 if arguments.minutes else None
    killed, done, failed = set(), 0, 0
    cluster = new_cluster(arguments.pg_config)
    try:
        while (episodes is None or done < episodes) and (end is None or time.monotonic() < end):
            begun = time.monotonic()
            episode = Episode(cluster, seed + done, killed)
            problem = None
            try:
                episode.run()
            except Failure as failure:
                problem = str(failure)
            except psycopg2.Error as error:
                where = traceback.extract_tb(error.__traceback__)[1:]
                problem = f"unexpected error in {' > '.join(frame.name for frame in where)}: {error}"
            complaints = cluster.complaints(killed)
            if complaints:
                problem = (problem or "") + "\nthe server's log: " + "\n  ".join(complaints[:5])
            done += 1
            if problem:
                failed += 1
                print(f"not ok {done} - seed {seed + done - 1}\n# {problem}".replace("\n", "\n# "))
                print(f"# again: make fuzz SEED={seed + done - 1}")
                if arguments.verbose:
                    print("\n".join("#   " + line for line in episode.log))
                cluster.remove()  # whatever is wrong must not fail the next episode
                cluster = new_cluster(arguments.pg_config)
            else:
                print(f"ok {done} - seed {seed + done - 1} ({time.monotonic() - begun:.1f} s)", flush=True)
    except KeyboardInterrupt:
        print("# interrupted")
    finally:
        cluster.remove()
    print(f"1..{done}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
