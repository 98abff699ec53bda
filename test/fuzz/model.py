# SPDX-License-Identifier: PostgreSQL
"""What should have been counted: every version of every row with the windows that it belongs to, by trend.

A transaction is one instant: a row counts in the windows that end after the horizon (event clock - watermark_delay -
allowed_lateness) as it stood before the transaction, and one that is taken back leaves the windows that end after the
horizon of the transaction that takes it back. So each version has, for each trend, the times `lo` and `hi` between
which the windows end that it counts in. Sessions take a row whole, by its own end.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass
class Trend:
    number: int
    name: str
    definition: object
    source: object = None
    clock: datetime = None
    reached: datetime = None  # the watermark
    horizon: datetime = None  # never goes back
    gap: timedelta = timedelta(0)
    late: set = field(default_factory=set)  # rows that came too late for a trend with sessions

    def watermark(self):
        """It does not go back when its delay grows."""
        return self.reached

    def move(self, clock):
        if clock is not None and (self.clock is None or clock > self.clock):
            self.clock = clock
        self.settle()

    def settle(self):
        """After the clock moved or options changed: what was final stays final."""
        if self.clock is None:
            return
        reached = self.clock - timedelta(seconds=self.definition.options["watermark_delay"])
        if self.reached is None or reached > self.reached:
            self.reached = reached
        horizon = self.reached - timedelta(seconds=self.definition.options["allowed_lateness"])
        if self.horizon is None or horizon > self.horizon:
            self.horizon = horizon


@dataclass
class Version:
    vid: int
    rid: int
    literals: dict       # column → SQL literal
    ahead: bool = False  # dated so far ahead that it is refused
    time: datetime = None


@dataclass
class Source:
    name: str
    time_type: str
    mutable: bool
    partitioned: bool
    trends: list = field(default_factory=list)
    rows: dict = field(default_factory=dict)  # rid → Version, committed
    holders: dict = field(default_factory=dict)  # rid → transaction that changed it and is open
    now: datetime = EPOCH  # where the events are
    # Its trends are being refilled, perhaps: they count what is there when they come to it. Until they have, rows come
    # and commit in the order of their times and none goes, so that it does not matter when that is.
    refilled: bool = False

    def lets_rows_go(self):
        return self.mutable and not self.refilled and not any(t.definition.cannot_let_go for t in self.trends)


class Model:
    def __init__(self, connect):
        self.connect = connect
        self.vids = 0
        self.rids = 0

    def new_version(self, source, literals, rid=None, ahead=False, time=None):
        self.vids += 1
        if rid is None:
            self.rids += 1
            rid = self.rids
        return Version(self.vids, rid, literals, ahead, time)

    # The columns of a row as values of shadow.
    def store(self, cursor, source, versions):
        if not versions:
            return
        names = list(versions[0].literals)
        rows = ", ".join(f"({v.vid}, {v.rid}, {', '.join(v.literals[n] for n in names)})" for v in versions)
        cursor.execute(f"INSERT INTO fuzz.shadow_{source.name} (vid, rid, {', '.join(names)}) VALUES {rows}")

    def accepted_clock(self, cursor, trend, vids):
        """The latest time among versions that the trend accepts as events."""
        definition = trend.definition
        where = [c for c in (definition.where and f"({definition.where})", definition.guard) if c]
        condition = "".join(f" AND {c}" for c in where)
        cursor.execute(f"SELECT max(ts::{definition.bounds_type} AT TIME ZONE 'UTC') FROM fuzz.shadow_{definition.source}{definition.lateral()} "
                       f"WHERE vid = ANY(%s) AND isfinite(ts){condition}" if definition.bounds_type == "timestamp" else
                       f"SELECT max(ts) FROM fuzz.shadow_{definition.source}{definition.lateral()} WHERE vid = ANY(%s) AND isfinite(ts){condition}",
                       (vids,))
        return cursor.fetchone()[0]

    def commit(self, cursor, source, added, removed):
        """A transaction that added and took back these versions has committed."""
        self.store(cursor, source, added)
        counted = [v for v in added if not v.ahead]
        for trend in source.trends:
            if not trend.definition.windowed():
                self._count_timeless(cursor, trend, added, removed)
                continue
            self._take_back(cursor, trend, [v.vid for v in removed])
            fresh = self._timely(trend, counted)
            trend.late |= {v.rid for v in counted} - {v.rid for v in fresh}
            cursor.execute("INSERT INTO fuzz.bound (trend, vid, lo, came) SELECT %s, unnest(%s::bigint[]), %s, true",
                           (trend.number, [v.vid for v in fresh], None if trend.gap else trend.horizon))
            # A version that came and went within the transaction has moved the clock, and leaves again.
            gone = {v.vid for v in removed}
            self._take_back(cursor, trend, [v.vid for v in fresh if v.vid in gone])
            trend.move(self.accepted_clock(cursor, trend, [v.vid for v in fresh]))

    def _timely(self, trend, versions):
        """A session takes no row that ends before the horizon; a window's row that is late for all moves no clock."""
        if trend.horizon is None or not trend.gap:
            return versions
        return [v for v in versions if v.time is None or v.time + trend.gap > trend.horizon]

    def _take_back(self, cursor, trend, vids):
        if not vids:
            return
        if trend.horizon is None:
            cursor.execute("DELETE FROM fuzz.bound WHERE trend = %s AND vid = ANY(%s)", (trend.number, vids))
        else:
            cursor.execute("UPDATE fuzz.bound SET hi = %s WHERE trend = %s AND vid = ANY(%s) AND hi IS NULL",
                           (trend.horizon, trend.number, vids))

    def _count_timeless(self, cursor, trend, added, removed):
        cursor.execute("INSERT INTO fuzz.bound (trend, vid) SELECT %s, unnest(%s::bigint[])",
                       (trend.number, [v.vid for v in added]))
        cursor.execute("DELETE FROM fuzz.bound WHERE trend = %s AND vid = ANY(%s)",
                       (trend.number, [v.vid for v in removed]))
