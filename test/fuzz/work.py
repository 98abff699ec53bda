# SPDX-License-Identifier: PostgreSQL
"""Random work by several connections, whose commits the driver orders: so it knows what each trend should count."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from grammar import COLUMNS
from model import EPOCH

AHEAD = timedelta(days=4000)  # from the time of the events; ahead of the wall clock in any case


@dataclass
class Transaction:
    """What an open transaction has done; savepoints are marks in these lists."""
    source: object
    added: list = field(default_factory=list)
    removed: list = field(default_factory=list)   # committed versions, and its own
    prepared: str = ""

    def own(self):
        gone = {v.vid for v in self.removed}
        return [v for v in self.added if v.vid not in gone]


class Worker:
    """One connection with at most one open transaction."""

    def __init__(self, work, number):
        self.work, self.number = work, number
        self.connection = None
        self.transaction = None

    def cursor(self):
        if self.connection is None or self.connection.closed:
            self.connection = self.work.connect()
        return self.connection.cursor()

    def lost(self):
        """The server went: the transaction never was."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        if self.transaction is not None:
            self.work.let_go(self.transaction)
        self.transaction = None


class Work:
    def __init__(self, rng, model, sources, connect, log, connections=4):
        self.rng, self.model, self.sources, self.connect, self.log = rng, model, sources, connect, log
        self.workers = [Worker(self, i) for i in range(connections)]
        self.prepared = []
        self.names = 0

    # -- rows

    def random_time(self, source):
        """As text for SQL, and as a time where it is one that counts."""
        rng = self.rng
        chance = rng.random()
        if chance < 0.03:
            return "NULL", None, False
        if chance < 0.05:
            return rng.choice(["'infinity'", "'-infinity'"]), None, False
        if chance < 0.07:
            return f"'{(EPOCH + AHEAD).isoformat()}'", None, True
        source.now += timedelta(seconds=rng.choice([0, 0.000001, 0.2, 1, 1, 7]))
        if rng.random() < 0.02:
            source.now += timedelta(seconds=rng.choice([60, 600, 7200]))
        back = rng.choice([0, 0, 0, 0.5, 3, 20, 100, 4000])
        time = source.now - timedelta(seconds=0 if source.refilled else back)
        if source.time_type == "date":
            time = time.replace(hour=0, minute=0, second=0, microsecond=0)
        return f"'{time.isoformat()}'", time, False

    def random_version(self, source, rid=None):
        text, time, ahead = self.random_time(source)
        literals = {"ts": text + "::timestamptz" + ("" if source.time_type == "timestamptz" else f"::{source.time_type}")}
        for name, kind, values in COLUMNS:
            value = "NULL" if self.rng.random() < 0.1 else self.rng.choice(values)
            literals[name] = f"({value})::{kind}"
        return self.model.new_version(source, literals, rid, ahead, time)

    @staticmethod
    def set_time(source, version, time):
        version.time, version.ahead = time, False
        version.literals["ts"] = f"'{time.isoformat()}'::timestamptz" + (
            "" if source.time_type == "timestamptz" else "::timestamp")

    def insert(self, worker, transaction):
        count = self.rng.choice([1, 1, 1, 3, 20, 200])
        versions = [self.random_version(transaction.source) for _ in range(count)]
        names = list(versions[0].literals)
        rows = ", ".join(f"({v.rid}, {', '.join(v.literals[n] for n in names)})" for v in versions)
        worker.cursor().execute(f"INSERT INTO {transaction.source.name} (rid, {', '.join(names)}) VALUES {rows}")
        transaction.added += versions

    def candidates(self, transaction):
        source = transaction.source
        gone = {v.vid for v in transaction.removed}
        free = [v for v in source.rows.values() if v.rid not in source.holders or v in transaction.added]
        return [v for v in free + transaction.own() if v.vid not in gone]

    def change(self, worker, transaction, delete):
        found = self.candidates(transaction)
        if not found:
            return
        chosen = self.rng.sample(found, min(len(found), self.rng.choice([1, 1, 2, 10])))
        source = transaction.source
        for old in chosen:
            if delete:
                worker.cursor().execute(f"DELETE FROM {source.name} WHERE rid = {old.rid}")
            else:
                new = self.random_version(source, old.rid)
                changed = self.rng.sample(list(new.literals), self.rng.randrange(1, 4))
                for name in new.literals:
                    if name not in changed:
                        new.literals[name] = old.literals[name]
                if "ts" not in changed:
                    new.ahead, new.time = old.ahead, old.time
                values = ", ".join(f"{n} = {new.literals[n]}" for n in changed)
                worker.cursor().execute(f"UPDATE {source.name} SET {values} WHERE rid = {old.rid}")
                transaction.added.append(new)
            transaction.removed.append(old)
            source.holders[old.rid] = transaction

    # -- transactions

    def begin(self, worker):
        worker.transaction = Transaction(self.rng.choice(self.sources))
        worker.cursor().execute("BEGIN")

    def do_something(self, worker):
        transaction, rng = worker.transaction, self.rng
        chance = rng.random()
        mutable = transaction.source.lets_rows_go()
        if chance < 0.15:
            marks = len(transaction.added), len(transaction.removed)
            worker.cursor().execute("SAVEPOINT s")
            for _ in range(rng.randrange(1, 3)):
                self.one(worker, transaction, mutable)
            if rng.random() < 0.5:
                worker.cursor().execute("ROLLBACK TO s")
                held = {v.rid for v in transaction.removed[:marks[1]]}
                for rid in {v.rid for v in transaction.removed[marks[1]:]} - held:
                    transaction.source.holders.pop(rid, None)
                del transaction.added[marks[0]:], transaction.removed[marks[1]:]
            else:
                worker.cursor().execute("RELEASE s")
        else:
            self.one(worker, transaction, mutable)

    def one(self, worker, transaction, mutable):
        chance = self.rng.random()
        if mutable and chance < 0.25:
            self.change(worker, transaction, delete=False)
        elif mutable and chance < 0.4:
            self.change(worker, transaction, delete=True)
        else:
            self.insert(worker, transaction)

    def let_go(self, transaction):
        holders = transaction.source.holders
        for rid in [r for r, holder in holders.items() if holder is transaction]:
            del holders[rid]

    def committed(self, transaction):
        """Call when the server has it: the model learns of it."""
        source = transaction.source
        gone = {v.vid for v in transaction.removed}
        for version in transaction.removed:
            if source.rows.get(version.rid) is version:
                del source.rows[version.rid]
        for version in transaction.added:
            if version.vid not in gone:
                source.rows[version.rid] = version
        self.let_go(transaction)
        with self.work_cursor() as cursor:
            self.model.commit(cursor, source, transaction.added, transaction.removed)

    def work_cursor(self):
        if getattr(self, "own", None) is None or self.own.closed:
            self.own = self.connect()
        return self.own.cursor()

    def end(self, worker):
        transaction, worker.transaction = worker.transaction, None
        chance = self.rng.random()
        cursor = worker.cursor()
        if chance < 0.1:
            cursor.execute("ROLLBACK")
            self.let_go(transaction)
        elif chance < 0.2 and len(self.prepared) < 5:
            self.names += 1
            transaction.prepared = f"p{self.names}"
            cursor.execute(f"PREPARE TRANSACTION '{transaction.prepared}'")
            self.prepared.append(transaction)
        else:
            cursor.execute("COMMIT")
            self.committed(transaction)

    def end_prepared(self, commit=None):
        transaction = self.prepared.pop(self.rng.randrange(len(self.prepared)))
        commit = self.rng.random() < 0.7 if commit is None else commit
        with self.work_cursor() as cursor:
            cursor.execute(f"{'COMMIT' if commit else 'ROLLBACK'} PREPARED '{transaction.prepared}'")
        if commit:
            self.committed(transaction)
        else:
            self.let_go(transaction)

    # -- driving

    def step(self):
        if self.prepared and self.rng.random() < 0.05:
            return self.end_prepared()
        worker = self.rng.choice(self.workers)
        if worker.transaction is None:
            self.begin(worker)
            if worker.transaction.source.refilled:
                return self.at_once(worker)
        chance = self.rng.random()
        if chance < 0.6:
            self.do_something(worker)
        else:
            self.end(worker)

    def at_once(self, worker):
        """A transaction that is not overtaken by others, so that its rows are in order when it commits."""
        self.do_something(worker)
        transaction, worker.transaction = worker.transaction, None
        worker.cursor().execute("COMMIT")
        self.committed(transaction)

    def settle(self, source=None):
        """Ends what is open, of one source or all."""
        for worker in self.workers:
            if worker.transaction is not None and source in (None, worker.transaction.source):
                transaction, worker.transaction = worker.transaction, None
                worker.cursor().execute("COMMIT")
                self.committed(transaction)
        while self.prepared and (source is None or any(t.source is source for t in self.prepared)):
            self.end_prepared()

    def server_lost(self):
        for worker in self.workers:
            worker.lost()
        self.own = None
