# SPDX-License-Identifier: PostgreSQL
"""Compares trends and histories with what the model says, by queries that do not come from the extension."""

import time
from datetime import timedelta

from cluster import PATIENCE
from grammar import EXACT, NEAR

SETTLING = 20  # seconds that history may take to be written


class Checker:
    def __init__(self, episode):
        self.episode = episode
        self.reader = None  # stays open as long as the server lets it

    def cursor(self):
        if self.reader is not None:
            try:
                with self.reader.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except Exception:  # the server went meanwhile
                self.reader = None
        if self.reader is None:
            self.reader = self.episode.connect()
        return self.reader.cursor()

    def problem(self):
        """What is wrong, or None."""
        with self.cursor() as cursor:
            end = time.monotonic() + PATIENCE
            while True:
                cursor.execute("SELECT state, message FROM trending.worker_status")
                state = cursor.fetchone()
                if state[0] == "running":
                    break
                if time.monotonic() > end:
                    return f"the worker does not run: {state}"
                time.sleep(0.1)
            cursor.execute(f"SELECT trending.sync('{PATIENCE} s')")
            for source in self.episode.sources:
                for trend in source.trends:
                    found = self.trend_problem(cursor, trend)
                    if found:
                        return f"{trend.name}: {found}\n{trend.definition.text()}\noptions {trend.definition.options}"
        return None

    def trend_problem(self, cursor, trend):
        cursor.execute("SELECT state, reason FROM trending.status WHERE trend = %s", (trend.name,))
        state, reason = cursor.fetchone()
        if state != "running":
            return f"is {state}: {reason}"
        # Of a row that changes, only what the trend reads comes again.
        if trend.definition.options["keeps_late"] and not trend.source.mutable and trend.definition.windowed():
            found = self.until_settled(lambda: self.late_differences(cursor, trend))
            if found:
                return found
        if trend.gap:
            return self.until_settled(lambda: self.session_differences(cursor, trend))
        found = self.live_differences(cursor, trend)
        if found or not trend.definition.windowed():
            return found
        return self.until_settled(lambda: self.history_differences(cursor, trend))

    @staticmethod
    def until_settled(find):
        end = time.monotonic() + SETTLING
        while True:
            found = find()
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.3)

    def compare(self, cursor, trend, got, expected, on, columns, what):
        """Rows of two queries that differ. Those of one window and key are compared value by value."""
        definition = trend.definition
        different = []
        for column in columns:
            if column.startswith("x"):
                judged = definition.aggregates[int(column[1:])].judged
                if judged != EXACT:
                    tolerance = "1e-12" if judged == NEAR else "1e-4"
                    scale = f"greatest(1, abs(a.{column}::float8), abs(b.{column}::float8))"
                    different.append(f"(a.{column} IS NULL) <> (b.{column} IS NULL) OR "
                                     f"abs(a.{column}::float8 - b.{column}::float8) > {tolerance} * {scale}")
                    continue
            # Which of equal numerics first, last, min and max show is not said.
            text = "" if column.startswith("x") and definition.aggregates[int(column[1:])].picks else "::text"
            different.append(f"a.{column}{text} IS DISTINCT FROM b.{column}{text}")
        # As text, which can be hashed: one NULL is like another.
        keys = {side: f"ROW({', '.join(f'{side}.{c}' for c in on)})::text" for side in "ab"}
        joined = f"{keys['a']} = {keys['b']}" if on else "true"
        # For three rows at most the planner would try every pair.
        cursor.execute("SET enable_nestloop = off")
        cursor.execute(
            f"WITH a AS MATERIALIZED ({got}), b AS MATERIALIZED ({expected}) "
            f"(SELECT 'only in {what}', to_jsonb(a)::text FROM a WHERE NOT EXISTS (SELECT FROM b WHERE {joined}) LIMIT 3) UNION ALL "
            f"(SELECT 'missing in {what}', to_jsonb(b)::text FROM b WHERE NOT EXISTS (SELECT FROM a WHERE {joined}) LIMIT 3) UNION ALL "
            f"(SELECT '{what} has', to_jsonb(a)::text || ' expected ' || to_jsonb(b)::text FROM a JOIN b ON {joined} WHERE {' OR '.join(different)} LIMIT 3)".replace("{trend}", str(trend.number)))
        found = cursor.fetchall()
        cursor.execute("RESET enable_nestloop")
        return "\n".join(f"{where}: {row}" for where, row in found)

    def late_differences(self, cursor, trend):
        """Rows refused as late, each kept once; and counted."""
        definition = trend.definition
        cursor.execute(f"SELECT (row ->> 'rid')::bigint, count(*) FROM {trend.name}_late WHERE reason = 'late' GROUP BY 1")
        kept = dict(cursor.fetchall())
        twice = [rid for rid, count in kept.items() if count > 1]
        if twice:
            return f"{trend.name}_late has rows {twice[:5]} twice"
        expected = set(trend.late)
        cursor.execute(definition.late_query().replace("{trend}", str(trend.number)))
        found = {rid for rid, in cursor.fetchall()}
        expected = found | (expected & self.that_count(cursor, trend, expected))
        if set(kept) != expected:
            return f"{trend.name}_late lacks {sorted(expected - set(kept))[:5]}, has {sorted(set(kept) - expected)[:5]} too much"
        cursor.execute("SELECT late FROM trending.status WHERE trend = %s", (trend.name,))
        counted = cursor.fetchone()[0]
        return "" if counted == len(kept) else f"late is {counted}, and {len(kept)} are kept"

    def that_count(self, cursor, trend, rids):
        """Those of the rows that the definition does not filter."""
        definition = trend.definition
        where = "".join(f" AND {c}" for c in (definition.where and f"({definition.where})", definition.guard) if c)
        cursor.execute(f"SELECT rid FROM fuzz.shadow_{definition.source}{definition.lateral()} WHERE rid = ANY(%s) AND isfinite(ts){where}", (list(rids),))
        return {rid for rid, in cursor.fetchall()}

    def live_differences(self, cursor, trend):
        definition = trend.definition
        columns = definition.value_names() + ["rank"]
        if not definition.windowed():
            return self.compare(cursor, trend, f"SELECT * FROM {trend.name}", definition.query(), definition.key_names(),
                                columns, trend.name)
        if trend.clock is None:
            cursor.execute(f"SELECT count(*) FROM {trend.name}")
            return "has rows without an event" if cursor.fetchone()[0] else ""
        current = definition.window.rows.replace("{ts}", f"timestamptz '{trend.clock.isoformat()}'")
        if definition.bounds_type == "timestamp":
            current = definition.window.rows.replace("{ts}::timestamp", f"(timestamptz '{trend.clock.isoformat()}' AT TIME ZONE 'UTC')")
        expected = (f"SELECT * FROM ({definition.query()}) q WHERE (window_start, window_end) = "
                    f"(SELECT * FROM ({current}) w(window_start, window_end) ORDER BY window_end LIMIT 1)")
        return self.compare(cursor, trend, f"SELECT * FROM {trend.name}", expected, definition.key_names(),
                            ["window_start", "window_end"] + columns, trend.name)

    def history_differences(self, cursor, trend):
        if trend.clock is None:
            return ""
        definition = trend.definition
        limit = definition.options["history_limit"]
        best = f" AND rank <= {limit}" if limit is not None else ""
        expected = (f"SELECT *, window_end <= '{trend.horizon.isoformat()}'::timestamptz AS final FROM ({definition.query()}) q "
                    f"WHERE window_end <= '{trend.watermark().isoformat()}'::timestamptz{best}")
        on = ["window_start", "window_end"] + definition.key_names()
        got = f"SELECT * FROM {trend.name}_history"
        if definition.options["retention"]:  # what is older goes, sooner or later
            oldest = trend.watermark() - timedelta(seconds=definition.options["retention"])
            got, expected = (f"SELECT * FROM ({q}) q WHERE window_end >= '{oldest.isoformat()}'::timestamptz" for q in (got, expected))
        return self.compare(cursor, trend, got, expected, on,
                            definition.value_names() + ["rank", "final"], f"{trend.name}_history")

    def session_differences(self, cursor, trend):
        """Sessions are either shown or in history, each once."""
        definition = trend.definition
        columns = ["window_start", "window_end"] + definition.key_names() + definition.value_names()
        listed = ", ".join(columns)
        got = f"SELECT {listed} FROM {trend.name} UNION ALL SELECT {listed} FROM {trend.name}_history"
        expected = f"SELECT {listed} FROM ({definition.query()}) q"
        on = ["window_start", "window_end"] + definition.key_names()
        return self.compare(cursor, trend, got, expected, on, definition.value_names(), f"{trend.name} and its history")
