# SPDX-License-Identifier: PostgreSQL
"""The mixed load of the soak: writers, readers, changes of a joined table, trends that come and go."""

import random
import threading
import time

import psycopg2

SCHEMA = """
CREATE EXTENSION trending;
CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL, category text NOT NULL);
INSERT INTO items SELECT n, 'item ' || n, 'category ' || n % 20 FROM generate_series(0, 1999) n;
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int NOT NULL, visitor int NOT NULL,
                     tags text[] NOT NULL, amount numeric(10, 2) NOT NULL, at timestamptz);
CREATE INDEX ON events (at);
ALTER TABLE events REPLICA IDENTITY FULL;
CREATE TABLE requests (path int NOT NULL, visitor int NOT NULL, ms float8 NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON requests (at);
"""

# Late rows of this load are late by less than three minutes. So only `strict` refuses any.
TRENDS = {
    "popular": ("""SELECT window_start, window_end, item, count(*) AS n
        FROM events, trending.hop(at, '10 seconds', '2 minutes') GROUP BY 1, 2, item ORDER BY n DESC""",
                "label => 'items.name', allowed_lateness => '3 minutes'"),
    "sales": ("""SELECT window_start, window_end, item, sum(amount) / count(DISTINCT visitor) AS each, max(amount) AS most
        FROM events, trending.tumble(at, '1 minute') GROUP BY 1, 2, item ORDER BY each DESC, most DESC""",
              "allowed_lateness => '3 minutes', history_limit => NULL"),
    "tags": ("""SELECT window_start, window_end, tag, count(*) AS n
        FROM events, unnest(tags) AS tag, trending.hop(at, '30 seconds', '2 minutes') GROUP BY 1, 2, tag ORDER BY n DESC""",
             "allowed_lateness => '3 minutes'"),
    "categories": ("""SELECT window_start, window_end, category, count(*) AS n
        FROM events JOIN items ON items.id = item, trending.tumble(at, '1 minute') GROUP BY 1, 2, category ORDER BY n DESC""",
                   "allowed_lateness => '3 minutes'"),
    "busy": ("""SELECT window_start, window_end, item, count(*) AS n
        FROM events, trending.tumble(at, '1 minute') GROUP BY 1, 2, item HAVING count(*) > 200 ORDER BY n DESC""",
             "allowed_lateness => '3 minutes'"),
    "visits": ("""SELECT window_start, window_end, visitor, count(*) AS n
        FROM requests, trending.session(at, '5 seconds') GROUP BY 1, 2, visitor ORDER BY n DESC""",
               "history_limit => NULL"),
    "slow": ("""SELECT window_start, window_end, path, trending.approx_percentile(0.95, ms) AS p95, count(*) AS n
        FROM requests, trending.hop(at, '20 seconds', '1 minute') GROUP BY 1, 2, path ORDER BY p95 DESC""", ""),
    "strict": ("""SELECT window_start, window_end, item, count(*) AS n
        FROM events, trending.tumble(at, '10 seconds') GROUP BY 1, 2, item ORDER BY n DESC""",
               "allowed_lateness => '0', late_events => 'keep'"),
}
VERIFIED = [name for name in TRENDS if name != "strict"]


def create_trend(name, query, options, retention):
    more = f", {options}" if options else ""
    return f"SELECT trending.create_trend('{name}', $${query}$$, retention => '{retention} s'{more})"


class Load:
    """Threads that work until `stop`. What one of them meets that no load may meet is in `problems`."""

    def __init__(self, connect, rate, seed, seconds):
        self.connect, self.rate, self.seed, self.seconds = connect, rate, seed, seconds
        self.retention = int(min(600, seconds / 5))  # so that a run has seen the most there is before its second quarter
        self.stopping = threading.Event()
        self.problems, self.reads, self.counts, self.lock = [], [], {}, threading.Lock()
        self.threads = []

    def start(self):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(SCHEMA)
        connection.close()
        with self.connect() as connection, connection.cursor() as cursor:
            for name, (query, options) in TRENDS.items():
                cursor.execute(create_trend(name, query, options, self.retention))
        connection.close()
        rounds = [("write", self.write, 2 / self.rate), ("write", self.write, 2 / self.rate), ("bulk", self.bulk, 20),
                  ("recategorize", self.recategorize, 0.5), ("read", self.read, 0.05), ("read", self.read, 0.05),
                  ("clean up", self.clean_up, 30), ("come and go", self.come_and_go, min(45, self.seconds / 4)),
                  ("verify", self.verify, min(60, self.seconds / 4))]
        for number, (name, work, period) in enumerate(rounds):
            thread = threading.Thread(target=self.repeat, args=(name, work, period, random.Random(self.seed + number)))
            thread.start()
            self.threads.append(thread)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def repeat(self, name, work, period, rng):
        """A round every `period` seconds, on a connection that is renewed now and then, as applications do."""
        connection, due, rounds = None, time.monotonic() + rng.random() * period, 0
        while not self.stopping.wait(max(0, due - time.monotonic())):
            due = max(due + period, time.monotonic() - 10 * period)
            try:
                if connection is None or rounds % 500 == 0:
                    connection = self.connect() if connection is None else connection.close() or self.connect()
                with connection.cursor() as cursor:
                    work(cursor, rng)
            except psycopg2.Error as error:
                self.complain(f"{name}: {error}")
                connection = None
            rounds += 1
            with self.lock:
                self.counts[name] = self.counts.get(name, 0) + 1
        if connection is not None:
            connection.close()

    def complain(self, problem):
        with self.lock:
            self.problems.append(problem)

    @staticmethod
    def event(rng):
        """Few items have most events, some are late, few have no time."""
        late = rng.random() * 170 if rng.random() < 0.02 else 0
        at = "NULL" if rng.random() < 0.001 else f"now() - interval '{late:.3f} s'"
        tags = ",".join(f"tag{int(rng.paretovariate(1)) % 500}" for _ in range(rng.randrange(4)))
        return f"({int(rng.paretovariate(0.7)) % 2000}, {rng.randrange(5000)}, '{{{tags}}}', {rng.randrange(1, 99999) / 100}, {at})"

    def write(self, cursor, rng):
        kind = rng.random()
        rows = ", ".join(self.event(rng) for _ in range(1 + int(rng.expovariate(1))))
        insert = f"INSERT INTO events (item, visitor, tags, amount, at) VALUES {rows}"
        recent = "(SELECT id FROM events WHERE at > now() - interval '2 minutes' ORDER BY id DESC LIMIT 1 OFFSET {})".format(rng.randrange(100))
        if kind < 0.70:
            cursor.execute(insert)
        elif kind < 0.80:
            cursor.execute(f"UPDATE events SET amount = amount + 1, item = (item + 1) % 2000 WHERE id = {recent}")
        elif kind < 0.84:
            cursor.execute(f"DELETE FROM events WHERE id = {recent}")
        elif kind < 0.87:
            cursor.execute(f"BEGIN; {insert}; ROLLBACK")
        elif kind < 0.90:
            cursor.execute(f"BEGIN; {insert}; SAVEPOINT s; {insert}; ROLLBACK TO s; {insert}; COMMIT")
        else:
            cursor.execute(f"INSERT INTO requests (path, visitor, ms) VALUES ({rng.randrange(50)}, {rng.randrange(500)}, {rng.lognormvariate(3, 1)})")

    def bulk(self, cursor, rng):
        cursor.execute("INSERT INTO events (item, visitor, tags, amount, at) VALUES " + ", ".join(self.event(rng) for _ in range(2000)))

    def recategorize(self, cursor, rng):
        cursor.execute(f"UPDATE items SET category = 'category {rng.randrange(20)}' WHERE id = {int(rng.paretovariate(0.7)) % 2000}")

    def read(self, cursor, rng):
        query = rng.choice(["SELECT * FROM trending_top10('popular')", "SELECT * FROM trending.top('sales', 20)",
                            "SELECT * FROM categories ORDER BY rank", "SELECT * FROM tags WHERE tag = 'tag1'",
                            "SELECT trending.rank('popular', 1)", "SELECT * FROM trending.status", "SELECT count(*) FROM visits",
                            "SELECT p.n, i.name FROM popular p JOIN items i ON i.id = p.item WHERE p.rank <= 10"])
        began = time.monotonic()
        cursor.execute(query)
        cursor.fetchall()
        with self.lock:
            self.reads.append(time.monotonic() - began)

    def clean_up(self, cursor, _rng):
        """Sources keep rows for longer than trends keep history."""
        for table in "events", "requests":
            cursor.execute(f"DELETE FROM {table} WHERE at < now() - interval '{self.retention + 600} s'")
        cursor.execute(f"SELECT trending.recompute('strict', now() - interval '{self.retention} s', now())")

    def come_and_go(self, cursor, rng):
        query, options = TRENDS[rng.choice(VERIFIED)]
        cursor.execute("DROP FOREIGN TABLE IF EXISTS passing")
        cursor.execute(create_trend("passing", query, options, self.retention))
        cursor.execute("SELECT trending.sync('2 minutes')")
        cursor.execute("SELECT trending.alter_trend('passing', idle_timeout => '20 seconds')")
        self.compare(cursor, "passing")
        cursor.execute("DROP FOREIGN TABLE passing")

    def verify(self, cursor, rng):
        self.compare(cursor, rng.choice(VERIFIED))

    def compare(self, cursor, trend):
        cursor.execute(f"SELECT * FROM trending.verify('{trend}')")
        differences = cursor.fetchall()
        if differences:
            self.complain(f"{trend} differs from its definition in {len(differences)} rows: {differences[:3]}")
