# SPDX-License-Identifier: PostgreSQL
"""Random sources and definitions, and for each definition a query that says the same without the extension."""

from dataclasses import dataclass, field

# name, type, values as SQL literals. Small domains, so that groups and values meet.
COLUMNS = [
    ("k1", "int", ["0", "1", "2", "3", "-7", "2147483647"]),
    ("k2", "text", ["'a'", "'b'", "'B'", "''", "'ä'", "'a much longer text that does not fit into a word'"]),
    ("k3", "bool", ["true", "false"]),
    ("k4", "date", ["'2024-01-01'", "'2024-02-29'", "'infinity'"]),
    ("k5", "uuid", ["'00000000-0000-0000-0000-000000000001'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]),
    ("k6", "mood", ["'sad'", "'ok'", "'happy'"]),
    ("i", "int", ["0", "1", "5", "-3", "100", "2147483647", "-2147483648"]),
    ("s", "smallint", ["0", "1", "32767", "-32768"]),
    ("b", "bigint", ["0", "1", "9223372036854775807", "-9223372036854775808", "77"]),
    ("n", "numeric", ["0", "1.5", "1.50", "-0.001", "12345678901234567890.123456789", "0.1", "1e-20"]),
    ("f", "float8", ["0", "0.1", "0.2", "-0.3", "1e15", "-1e15", "2.5", "1e-9"]),
    ("r", "real", ["0", "0.5", "1.25", "-2", "1000"]),
    ("v", "interval", ["'1 hour'", "'90 minutes'", "'2 days'", "'-1 second'"]),
    ("t", "text", ["'x'", "'yy'", "'zzz'", "'Ω'", "repeat('long', 40)"]),
    ("a", "int[]", ["'{}'", "'{1,2}'", "'{3,NULL}'", "'{2,1,2}'"]),
    ("j", "jsonb", ["'{\"x\": 1}'", "'[]'", "'\"s\"'", "'[\"x\", \"yy\", null, \"x\"]'"]),
]

KEYS = ["k1", "k2", "k3", "k4", "k5", "k6", "k1 % 3", "lower(k2)", "coalesce(k1, 0) / 2", "k2 || 'x'", "j ->> 'x'",
        "length(t)", "(i > 0)"]


@dataclass
class Elements:
    """A function that makes several events of a row, and a query that does without it."""
    item: str             # in FROM, after the source
    oracle: str           # gives `names`; nothing for rows that the function fails for
    names: list
    conditions: list


ELEMENTS = [
    Elements(", unnest(a) AS e", "SELECT a[i] FROM generate_series(1, cardinality(a)) i", ["e"], ["e > 1", "e > k1 OR i > 0"]),
    Elements(" LEFT JOIN LATERAL unnest(a) AS e ON true",
             "SELECT a[i] FROM generate_series(1, greatest(coalesce(cardinality(a), 0), 1)) i", ["e"], ["e IS NULL OR e < 3"]),
    Elements(" CROSS JOIN LATERAL unnest(a) WITH ORDINALITY AS u(e, no)",
             "SELECT a[i], i::bigint FROM generate_series(1, cardinality(a)) i", ["e", "no"], ["no > 1", "e IS NOT NULL"]),
    Elements(", unnest(a, string_to_array(k2, ' ')) AS u(e, word)",
             "SELECT a[i], (string_to_array(k2, ' '))[i] FROM generate_series(1, greatest(cardinality(a), cardinality(string_to_array(k2, ' ')))) i",
             ["e", "word"], ["word IS NOT NULL", "e > 0 AND k3"]),
    Elements(", jsonb_array_elements_text(j) AS e",
             "SELECT j ->> (i - 1) FROM generate_series(1, CASE WHEN jsonb_typeof(j) = 'array' THEN jsonb_array_length(j) ELSE 0 END) i",
             ["e"], ["e <> 'x'", "length(e) < 2"]),
    Elements(", regexp_split_to_table(k2, '\\s') AS e",
             "SELECT CASE k2 WHEN '' THEN '' ELSE split_part(k2, ' ', i) END FROM generate_series(1, 1 + length(k2) - length(replace(k2, ' ', ''))) i",
             ["e"], ["e > 'b'"]),
    Elements(", generate_series(1, s % 4) AS e", "SELECT n FROM (VALUES (1), (2), (3)) v(n) WHERE n <= mod(s, 4)", ["e"], ["e <> 2"]),
]

# How a difference of a column is judged.
EXACT, NEAR, REAL = "exact", "near", "real"


@dataclass
class Aggregate:
    text: str           # in the definition
    oracle: str         # in the query without the extension
    judged: str = EXACT
    ranks: bool = True  # a trend may be ranked by it
    picks: bool = False # the value is one of those added


def _first_last(rng):
    value, at = rng.choice(["i", "n", "t", "f", "k6"]), rng.choice(["ts", "b"])
    which = rng.choice(["first", "last"])
    order = "" if which == "first" else " DESC"
    oracle = (f"(array_agg({value} ORDER BY {at}{order}, {value}{order}) "
              f"FILTER (WHERE {value} IS NOT NULL AND {at} IS NOT NULL))[1]")
    return Aggregate(f"trending.{which}({value}, {at})", oracle, ranks=False, picks=True)


# Over aggregates and keys; of values that are the same however they are added.
EXPRESSIONS = ["sum(i) * 2 + count(*)", "count(*) * 100 / nullif(count(i), 0)", "max(b)::numeric / 3", "sum(s)::float8 / count(*)",
               "CASE WHEN count(*) > 2 THEN 'many' ELSE 'few' END", "coalesce(min(i), -1) % 7", "max(i)::bigint - min(i)"]


def random_aggregate(rng, combined, sessions, sketches=False):
    if rng.random() < 0.15:
        x = rng.choice(EXPRESSIONS)
        return Aggregate(x, x)
    if rng.random() < 0.05:  # fails for some groups, where it is NULL
        x = rng.choice(["100 / {count(*) - 2}", "sum(i) % {count(k3)}", "(max(i)::bigint * 7) / {min(s)}"])
        return Aggregate(x.replace("{", "(").replace("}", ")"), x.replace("{", "nullif(").replace("}", ", 0)"))
    kind = rng.randrange(15 if combined else 12)
    if kind == 0:
        return Aggregate("count(*)", "count(*)")
    if kind == 1:
        x = rng.choice([c for c, _, _ in COLUMNS])
        return Aggregate(f"count({x})", f"count({x})")
    if kind in (2, 3):
        x = rng.choice(["i", "s", "b", "n", "i::bigint * s", "n * 2"])
        how = rng.choice(["sum", "avg"])
        # Trends rank by the exact average, queries by one that is rounded.
        return Aggregate(f"{how}({x})", f"{how}({x})", ranks=how == "sum" or x in ("i", "s"))
    if kind == 4:
        x, how = rng.choice(["f", "f * 2"]), rng.choice(["sum", "avg"])
        # The digits of a double as they are, added without loss.
        return Aggregate(f"{how}({x})", f"{how}(({x})::text::numeric)::float8", NEAR, False)
    if kind == 5:
        how = rng.choice(["sum", "avg"])
        return Aggregate(f"{how}(r)", f"{how}(r)", REAL, False)
    if kind in (6, 7):
        x = rng.choice(["i", "b", "f", "k4", "ts"] + ([] if sessions else ["t", "v", "a", "k6"]))
        how = rng.choice(["min", "max"])
        return Aggregate(f"{how}({x})", f"{how}({x})", ranks=x in ("i", "b", "k4", "ts"))
    if kind == 8 and not sessions:
        return _first_last(rng)
    if kind in (8, 9):
        x = rng.choice(["k1", "k2", "t", "i", "n", "f", "k5"])
        return Aggregate(f"count(DISTINCT {x})", f"count(DISTINCT {x})")
    if kind in (10, 11):
        x = rng.choice(["i > 0", "k3", "t = 'x'", "f > 0.1", "k2 IS NOT NULL"])
        inner = rng.choice(["count(*)", "sum(i)", "max(b)"])
        return Aggregate(f"{inner} FILTER (WHERE {x})", f"{inner} FILTER (WHERE {x})")
    if kind == 12 and rng.random() < 0.4:
        x, n = rng.choice(["i", "t", "k6"]), rng.choice([1, 2, 5])
        return Aggregate(f"trending.latest({x}, ts, {n})",
                         f"(array_agg({x} ORDER BY ts DESC, {x} DESC) FILTER (WHERE {x} IS NOT NULL AND ts IS NOT NULL))[:{n}]", ranks=False)
    if kind == 12:
        x = rng.choice(["bool_and(k3)", "bool_or(k3)", "bit_or(i)", "bit_xor(b)"])
        return Aggregate(x, x, ranks=False)
    if kind == 14:
        x = rng.choice(["k1", "k2", "n", "t"])
        return Aggregate(f"trending.approx_count_distinct({x})", f"count(DISTINCT {x})") if sketches else Aggregate(
            "corr(i, s)", "corr(i, s)", REAL, False)
    x = rng.choice(["stddev(i)", "variance(s)", "sum(v)"])
    return Aggregate(x, x, NEAR if "(v)" not in x else EXACT, False)


def random_part(rng):
    """A condition on a part of the window, and another that says the same."""
    a, b = (rng.choice([0, 0.4, 1, 3, 20, 1000, 18000, 100000]) for _ in range(2))
    after, before = "extract(epoch FROM ts::{cast} - window_start)", "extract(epoch FROM window_end - ts::{cast})"
    return rng.choice([
        (f"ts >= window_end - interval '{a} seconds'", f"{before} <= {a}"),
        (f"window_end - interval '{a} seconds' > ts", f"{before} > {a}"),
        (f"ts <= window_start + interval '{a} seconds'", f"{after} <= {a}"),
        (f"interval '{a} seconds' + window_start < ts AND i > 0", f"{after} > {a} AND i > 0"),
        (f"ts BETWEEN window_start + interval '{a} seconds' AND window_end - interval '{b} seconds'", f"{after} >= {a} AND {before} >= {b}"),
        (f"k3 AND NOT (ts > window_start + {a} * interval '1 second' AND window_end - interval '{b} seconds' >= ts)",
         f"k3 AND ({after} <= {a} OR {before} < {b})"),
        (f"ts = window_start + interval '{a} seconds' OR ts <> window_end - interval '{b} seconds'", f"{after} = {a} OR {before} <> {b}")])


def random_part_aggregate(rng, cast):
    # Which of equal numerics of other digits min() gives depends on the order of rows: these have one form each.
    inner = rng.choice(["count(*)", "count(*)", "sum(i)", "avg(s)", "min(i)", "max(b)", "count(DISTINCT k2)", "count(t)"] +
                       ["max(t)", "min(i::numeric / 4)"] * (rng.random() < 0.5))
    condition, oracle = random_part(rng)
    return Aggregate(f"{inner} FILTER (WHERE {condition})", f"{inner} FILTER (WHERE {oracle.replace('{cast}', cast)})", ranks=inner not in ("max(t)", "min(i::numeric / 4)"))


@dataclass
class Window:
    call: str = ""    # in the definition; empty: no window function
    rows: str = ""    # a query of window_start, window_end for the windows that contain {ts}
    gap: str = ""     # sessions


def _calendar(rng, time_type):
    """Days, weeks, months and years of a zone, or of UTC; some begin at six in the morning or on the 15th."""
    zone = rng.choice([None, "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"])
    if time_type != "timestamptz":
        zone = None
    unit, width = rng.choice([("day", "1 day"), ("day", "1 day"), ("week", "7 days"), ("month", "1 month"), ("quarter", "3 months"),
                              ("year", "1 year")])
    # What the origin adds to the beginning that date_trunc knows.
    shift = rng.choice(["0", "0", "6 hours", "14 days 6 hours" if "month" in width else "6 hours"])
    base = {"day": "2001-01-01", "week": "2001-01-01"}.get(unit, "1999-01-01")
    if time_type == "timestamptz":
        origin = f"(timestamp '{base}' + interval '{shift}') AT TIME ZONE '{zone or 'UTC'}'"
        moment = "{ts}"
        local, back = f"({{ts}} AT TIME ZONE '{zone or 'UTC'}')", f" AT TIME ZONE '{zone or 'UTC'}'"
    else:
        origin, local, back = f"(timestamp '{base}' + interval '{shift}')", "{ts}::timestamp", ""
        moment = local
    tail = (f", origin => {origin}" if shift != "0" else "") + (f", zone => '{zone}'" if zone else "")
    start = f"(date_trunc('{unit}', {local} - interval '{shift}') + interval '{shift}')"
    size = f"interval '{width}'"
    kind = rng.choice(["tumble", "hop", "cumulate"])
    if kind == "tumble":
        return Window(f"trending.tumble(ts, {size}{tail})", f"SELECT ({start}){back}, ({start} + {size}){back}")
    if kind == "hop":
        count = rng.choice([2, 3])
        return Window(f"trending.hop(ts, {size}, {count} * {size}{tail})",
                      f"SELECT ({start} - m * {size}){back}, ({start} + ({count} - m) * {size}){back} FROM generate_series(0, {count - 1}) m")
    step = {"day": "1 day", "week": "1 day", "month": rng.choice(["1 day", "7 days"])}.get(unit, "1 month")
    return Window(f"trending.cumulate(ts, interval '{step}', {size}{tail})",
                  f"SELECT DISTINCT ({start}){back}, least({start} + m * interval '{step}', {start} + {size}){back} "
                  f"FROM generate_series(1, 31) m WHERE {moment} < (least({start} + m * interval '{step}', {start} + {size}){back})")


def random_window(rng, time_type):
    kind = rng.choice(["tumble", "hop", "hop", "cumulate", "session", "calendar", "none"])
    cast = "timestamptz" if time_type == "timestamptz" else "timestamp"
    origin = rng.choice([None, "2000-01-03 00:00:07"])
    base = f"{cast} '{origin or '1970-01-01'}'"
    tail = f", origin => {base}" if origin else ""
    ts = "{ts}::" + cast
    if kind == "none":
        return Window()
    if kind == "session":
        gap = rng.choice(["1 second", "7 seconds", "90 seconds"])
        return Window(f"trending.session(ts, '{gap}')", "", gap)
    if kind == "calendar":
        return _calendar(rng, time_type)
    size_s = rng.choice([1, 10, 60, 3600])
    if kind == "tumble":
        size = f"interval '{size_s} seconds'"
        start = f"date_bin({size}, {ts}, {base})"
        return Window(f"trending.tumble(ts, {size}{tail})", f"SELECT {start}, {start} + {size}")
    if kind == "hop":
        slide_s = size_s / rng.choice([1, 2, 3, 2.5, 10])
        size, slide = f"interval '{size_s} seconds'", f"interval '{slide_s:.6f} seconds'"
        start = f"date_bin({slide}, {ts}, {base}) - m * {slide}"
        count = int(size_s / round(slide_s, 6)) + 1
        return Window(f"trending.hop(ts, {slide}, {size}{tail})",
                      f"SELECT {start}, {start} + {size} FROM generate_series(0, {count}) m "
                      f"WHERE {ts} < {start} + {size}")
    parts = rng.choice([1, 2, 4, 5])
    step, size = f"interval '{size_s / parts:.6f} seconds'", f"interval '{size_s} seconds'"
    start = f"date_bin({size}, {ts}, {base})"
    return Window(f"trending.cumulate(ts, {step}, {size}{tail})",
                  f"SELECT {start}, {start} + m * {step} FROM generate_series(1, {parts}) m WHERE {ts} < {start} + m * {step}")


CONDITIONS = ["i > -1", "k3", "k2 <> 'a'", "length(t) < 10 OR k1 = 1", "k1 IS NOT NULL", "n >= 0"]


@dataclass
class Definition:
    source: str
    window: Window
    keys: list
    aggregates: list
    where: str
    guard: str           # rows for which no expression fails
    having: str
    order: list          # (aggregate, ' DESC' or ' ASC NULLS FIRST' and so on)
    partition_by: int    # this many of the first keys
    bounds_type: str
    elements: Elements = None
    options: dict = field(default_factory=dict)
    cannot_let_go: bool = False  # it is filled anew when a row goes

    def key_names(self):
        return [f"g{i}" for i in range(len(self.keys))]

    def value_names(self):
        return [f"x{i}" for i in range(len(self.aggregates))]

    def windowed(self):
        return bool(self.window.call)

    def text(self):
        bounds = ["window_start", "window_end"] if self.windowed() else []
        columns = bounds + [f"{k} AS g{i}" for i, k in enumerate(self.keys)]
        columns += [f"{a.text} AS x{i}" for i, a in enumerate(self.aggregates)]
        group = bounds + [str(len(bounds) + 1 + i) for i in range(len(self.keys))]
        text = f"SELECT {', '.join(columns)} FROM {self.source}"
        text += self.elements.item if self.elements else ""
        text += f", {self.window.call}" if self.windowed() else ""
        text += f" WHERE {self.where}" if self.where else ""
        text += f" GROUP BY {', '.join(group)}" if group else ""
        text += f" HAVING {self.having}" if self.having else ""
        return text + f" ORDER BY {', '.join(self.terms())}"

    def terms(self):
        return [f"x{i}{direction}" for i, direction in self.order]

    def lateral(self):
        """What follows the source's shadow in FROM."""
        if not self.elements:
            return ""
        return f" CROSS JOIN LATERAL ({self.elements.oracle}) o({', '.join(self.elements.names)})"

    def rows(self):
        """The rows that count with their windows, of the versions in shadow; its number in place of {trend}."""
        where = [c for c in (f"({self.where})" if self.where else "", self.guard) if c]
        elements = "".join(f"o.{name}, " for name in self.elements.names) if self.elements else ""
        base = (f"SELECT s.*, {elements}b.lo, b.hi FROM fuzz.shadow_{self.source} s JOIN fuzz.bound b "
                f"ON b.vid = s.vid AND b.trend = {{trend}}{self.lateral()}" + (f" WHERE {' AND '.join(where)}" if where else ""))
        if not self.windowed():
            return base
        if self.window.gap:
            return self._session_rows(base)
        windows = self.window.rows.replace("{ts}", "v.ts")
        return (f"SELECT v.*, w.window_start, w.window_end FROM ({base}) v, LATERAL ({windows}) w(window_start, window_end) "
                f"WHERE isfinite(v.ts) AND w.window_end > coalesce(v.lo, '-infinity') AND w.window_end <= coalesce(v.hi, 'infinity')")

    def late_query(self):
        """Rows that came only to windows that were final."""
        where = [c for c in (f"({self.where})" if self.where else "", self.guard, "isfinite(s.ts)", "b.came") if c]
        late = "false"
        if self.window.rows:
            windows = self.window.rows.replace("{ts}", "s.ts")
            late = (f"NOT EXISTS (SELECT FROM ({windows}) w(window_start, window_end) "
                    f"WHERE w.window_end > coalesce(b.lo, '-infinity'))")
        return (f"SELECT s.rid FROM fuzz.shadow_{self.source} s JOIN fuzz.bound b ON b.vid = s.vid AND b.trend = {{trend}}"
                f"{self.lateral()} WHERE {' AND '.join(where)} AND {late}")

    def _session_rows(self, base):
        keys = ", ".join(f"{k} AS g{i}" for i, k in enumerate(self.keys))
        cast = self.bounds_type
        part = "PARTITION BY " + ", ".join(self.key_names()) if self.keys else ""
        return (f"SELECT *, min(ts::{cast}) OVER p AS window_start, max(ts::{cast}) OVER p + interval '{self.window.gap}' AS window_end FROM ("
                f"SELECT *, count(*) FILTER (WHERE begins) OVER (w RANGE UNBOUNDED PRECEDING) AS island FROM ("
                f"SELECT *, coalesce(ts::{cast} - lag(ts::{cast}) OVER w > interval '{self.window.gap}', true) AS begins FROM ("
                f"SELECT v.*{', ' + keys if keys else ''} FROM ({base}) v WHERE isfinite(ts)) e "
                f"WINDOW w AS ({part} ORDER BY ts)) e WINDOW w AS ({part} ORDER BY ts)) e "
                f"WINDOW p AS (PARTITION BY {', '.join(self.key_names() + ['island'])})")

    def query(self):
        """Every window's groups with their ranks."""
        bounds = ["window_start", "window_end"] if self.windowed() else []
        keys = self.key_names() if self.window.gap else self.keys
        columns = bounds + [f"{k} AS g{i}" for i, k in enumerate(keys)]
        columns += [f"{a.oracle} AS x{i}" for i, a in enumerate(self.aggregates)]
        group = bounds + [str(len(bounds) + 1 + i) for i in range(len(keys))]
        query = f"SELECT {', '.join(columns)} FROM ({self.rows()}) r"
        query += f" GROUP BY {', '.join(group)}" if group else ""
        query += f" HAVING {self.having}" if self.having else ""
        parts = bounds + self.key_names()[:self.partition_by]
        order = self.terms() + [self.key_order(i) for i in range(self.partition_by, len(keys))]
        over = (f"PARTITION BY {', '.join(parts)} " if parts else "") + f"ORDER BY {', '.join(order)}"
        return f"SELECT q.*, row_number() OVER ({over}) AS rank FROM ({query}) q"

    def key_order(self, index):
        return f"g{index}"


def random_definition(rng, source, time_type, retractable):
    window = random_window(rng, time_type)
    combined = not window.gap and rng.random() < 0.3
    keys = rng.sample(KEYS, rng.choice([0, 1, 1, 1, 2, 3]))
    if not keys and not window.call:
        keys = [rng.choice(KEYS)]
    aggregates = [random_aggregate(rng, combined, bool(window.gap), not retractable) for _ in range(rng.choice([1, 1, 2, 3, 5]))]
    bounds_type = "timestamptz" if time_type == "timestamptz" else "timestamp"
    if window.call and not window.gap and rng.random() < 0.5:
        aggregates += [random_part_aggregate(rng, bounds_type) for _ in range(rng.choice([1, 2, 3]))]
    elements = rng.choice(ELEMENTS) if rng.random() < 0.3 else None
    if elements:
        keys = rng.sample(elements.names, rng.randrange(1, len(elements.names) + 1)) + keys[:2] if rng.random() < 0.9 or not keys else keys
        aggregates.append(Aggregate("count(e)", "count(e)"))
    ranking = [i for i, a in enumerate(aggregates) if a.ranks]
    if not ranking:
        aggregates.append(Aggregate("count(*)", "count(*)"))
        ranking = [len(aggregates) - 1]
    where, guard = rng.choice(["", "", rng.choice(CONDITIONS)]), ""
    if elements and rng.random() < 0.5:
        where = (f"({where}) AND " if where else "") + f"({rng.choice(elements.conditions)})"
    if rng.random() < 0.15:
        keys = [k for k in keys if k != "k1 % 3"] + ["(10 / s) > 0"]
        guard = "s IS DISTINCT FROM 0"
    having = rng.choice(["", "", "", "count(*) > 2", "sum(i) > 0"])
    if having and window.call and not window.gap and rng.random() < 0.3:
        having = "count(*) FILTER (WHERE ts >= window_end - interval '3 seconds') > 0"
    partition_by = rng.randrange(1, len(keys)) if len(keys) > 1 and rng.random() < 0.3 else 0
    order = [(i, rng.choice([" DESC", " DESC", " ASC"]) + rng.choice(["", "", " NULLS FIRST", " NULLS LAST"]))
             for i in rng.sample(ranking, rng.choice([1, 1, min(2, len(ranking)), len(ranking)]))]
    definition = Definition(source, window, keys, aggregates, where, guard, having, order, partition_by,
                            bounds_type, elements)
    definition.options = {
        "watermark_delay": rng.choice([0, 0, 2, 30]),
        "allowed_lateness": rng.choice([0, 1, 10, 60]),
        "history_limit": rng.choice([None, None, 3]),
        "retention": rng.choice([None, None, None, 7200, 172800]),
        "keeps_late": rng.random() < 0.5,
    }
    definition.cannot_let_go = combined or bool(window.gap)
    return definition
