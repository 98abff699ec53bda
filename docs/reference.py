#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Prints docs/reference.md from the comments of the extension's objects, as a server has them.

    docs/reference.py [--psql PSQL] > docs/reference.md

The server is that of PGHOST and so on; database docs_reference is made and dropped. The tests compare the page with what
this prints.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess

DOCS = pathlib.Path(__file__).resolve().parent
DATABASE = "docs_reference"

# Every function that is not internal stands in one of these, beside the page that explains it.
GROUPS = {
    ("Trends", "definitions.md"): ["create_trend", "track", "alter_trend", "drop_trend", "resume", "explain", "definition", "batch_query", "counted_since"],
    ("Reading", "ranking.md"): ["top10", "trending_top10", "top", "rank", "sync", "watch"],
    ("History", "history.md"): ["recompute", "verify", "nearly_equal", "history_since", "expire", "schedule_retention", "unschedule_retention"],
    ("Windows", "windows.md"): ["tumble", "hop", "cumulate", "session", "commit_time", "parse_timestamptz"],
    ("Aggregates", "aggregates.md"): ["first", "last", "latest", "approx_count_distinct", "approx_percentile", "decayed_count", "decayed_sum"],
    ("More than one server", "scaling.md"): ["federate", "federation_status", "to_flink_sql"],
    ("The worker", "operations.md"): ["reset_slot"],
}

FUNCTIONS = """
SELECT p.proname AS name, n.nspname AS schema, obj_description(p.oid, 'pg_proc') AS comment,
       (SELECT json_agg(concat_ws(' ', a.name, format_type(a.type, NULL),
                                  'DEFAULT ' || pg_get_function_arg_default(p.oid, a.number::int)) ORDER BY a.number)
        FROM   unnest(p.proargnames, p.proargtypes::oid[]) WITH ORDINALITY a(name, type, number)
        WHERE  a.number <= p.pronargs) AS arguments,
       p.provariadic <> 0 AS is_variadic, p.proretset AS is_set, format_type(p.prorettype, NULL) AS result,
       (SELECT json_agg(concat_ws(' ', o.name, format_type(o.type, NULL)) ORDER BY o.number)
        FROM   unnest(p.proargnames, p.proallargtypes, p.proargmodes) WITH ORDINALITY o(name, type, mode, number)
        WHERE  o.mode = 'o') AS columns
FROM   pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
       JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'trending'
WHERE  coalesce(obj_description(p.oid, 'pg_proc'), '') NOT LIKE 'internal: %'
ORDER  BY p.oid
"""

OPTIONS = """
SELECT a.name, coalesce(pg_get_function_arg_default(p.oid, a.number::int), '') AS value,
       a.name = ANY (c.proargnames) AS can_be_altered,
       col_description('trending.trend'::regclass, t.attnum) AS comment
FROM   pg_proc p CROSS JOIN unnest(p.proargnames) WITH ORDINALITY a(name, number)
       JOIN pg_proc c ON c.oid = 'trending.alter_trend'::regproc
       JOIN pg_attribute t ON t.attrelid = 'trending.trend'::regclass AND t.attname = a.name
WHERE  p.oid = 'trending.create_trend'::regproc AND a.number > p.pronargs - p.pronargdefaults
ORDER  BY a.number
"""

VIEWS = """
SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS comment,
       (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, NULL), col_description(c.oid, a.attnum))
                        ORDER BY a.attnum)
        FROM   pg_attribute a
        WHERE  a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND  col_description(c.oid, a.attnum) NOT LIKE 'internal: %') AS columns
FROM   pg_class c
WHERE  c.relnamespace = 'trending'::regnamespace AND (c.relkind = 'v' OR c.relname = 'trend')
ORDER  BY c.relkind DESC, c.relname
"""

TABLES = """
SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS comment
FROM   pg_class c
WHERE  c.relnamespace = 'trending'::regnamespace AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') LIKE 'stored state: %'
ORDER  BY c.relname
"""

SETTINGS = """
SELECT name, coalesce(boot_val, '') AS value, coalesce(unit, '') AS unit, context, short_desc, extra_desc
FROM   pg_settings WHERE name LIKE 'trending.%' ORDER BY name
"""

CONTEXTS = {"postmaster": " Set at server start.", "sighup": "", "user": " Set in any session."}


class Server:
    def __init__(self, psql):
        self.command = [psql, "-XqAt", "-v", "ON_ERROR_STOP=1"]

    def run(self, database, command):
        quiet = {**os.environ, "PGOPTIONS": "-c client_min_messages=error"}
        return subprocess.run(self.command + ["-d", database, "-c", command], check=True, text=True, env=quiet,
                              stdout=subprocess.PIPE).stdout

    def rows(self, query):
        return json.loads(self.run(DATABASE, f"SELECT json_agg(q) FROM ({query}) q"))


def short(text):
    """The types' usual names, defaults without casts."""
    for long, usual in (("timestamp with time zone", "timestamptz"), ("timestamp without time zone", "timestamp"),
                        ("double precision", "float8"), ("trending.backfill_mode", "bool or 'open'"),
                        ("anycompatiblearray", "array"), ('"any"', "any")):
        text = text.replace(long, usual)
    head, default, value = text.partition(" DEFAULT ")
    return head + default + value.split("::")[0]


def signature(function):
    arguments = [short(argument) for argument in function["arguments"] or []]
    if function["is_variadic"]:
        arguments[-1] = "VARIADIC " + arguments[-1]
    columns = [short(column) for column in function["columns"] or []]
    result = f"({', '.join(columns)})" if len(columns) > 1 else short(function["result"])
    if function["is_set"]:
        result = "rows " + result
    name = function["name"] if function["schema"] != "trending" else f"trending.{function['name']}"
    line = f"{name}({', '.join(arguments)}) → {result}"
    if len(line) <= 110:
        return line
    if len(", ".join(arguments)) > 90:
        arguments = ["\n    " + argument for argument in arguments]
    separator = "," if arguments[0].startswith("\n") else ", "
    return f"{name}({separator.join(arguments)})\n  → {result}"


def sentence(comment):
    text = comment[:1].upper() + comment[1:] + "."
    return re.sub(r"<trend>_\w+|(?:top|rising)_<source>", r"`\g<0>`", text)


def usual(value, unit):
    """1024 MB is 1 GB."""
    for small, large, factor in (("kB", "MB", 1024), ("MB", "GB", 1024), ("ms", "s", 1000)):
        if unit == small and int(value) >= factor and int(value) % factor == 0:
            value, unit = str(int(value) // factor), large
    return f"{value} {unit}".strip()


def function_sections(functions):
    """Signatures that share a comment share a section."""
    known = {name for names in GROUPS.values() for name in names}
    unknown = {function["name"] for function in functions} ^ known
    if unknown:
        raise SystemExit(f"docs/reference.py: GROUPS and the extension differ in: {', '.join(sorted(unknown))}")
    for (group, explained), names in GROUPS.items():
        yield f"### {group}"
        title = (DOCS / explained).read_text().partition("\n")[0].lstrip("# ")
        yield f"Explained in [{title}]({explained})."
        for name in names:
            prefix = "" if name == "trending_top10" else "trending."
            yield f"#### {prefix}{name}"
            by_comment = {}
            for function in functions:
                if function["name"] == name:
                    by_comment.setdefault(function["comment"], []).append(signature(function))
            for comment, signatures in by_comment.items():
                yield "```text\n" + "\n".join(signatures) + "\n```"
                yield sentence(comment)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def option_row(option):
    value = option["value"].split("::")[0].strip("'")
    return (f"`{option['name']}`", "none" if value == "NULL" else f"`{value}`",
            sentence(option["comment"]) + ("" if option["can_be_altered"] else " Cannot be altered."))


def setting_row(setting):
    return (f"`{setting['name']}`", usual(setting["value"], setting["unit"]),
            f"{setting['short_desc']} {setting['extra_desc']}{CONTEXTS[setting['context']]}")


def page(server):
    yield "# Functions, options, settings"
    yield ("Made by docs/reference.py from the comments of the extension's objects. psql shows the same texts: "
           "`\\df+ trending.*`, `\\d+ trending.status`, `\\dconfig+ trending.*`.")
    yield "## Functions"
    yield from function_sections(server.rows(FUNCTIONS))
    yield "## Options of create_trend"
    options = server.rows(OPTIONS)
    yield "`trending.alter_trend` changes them, where nothing else is said."
    yield table(("option", "default", ""), map(option_row, options))
    yield "## Views"
    for view in server.rows(VIEWS):
        yield f"### trending.{view['name']}"
        yield sentence(view["comment"])
        columns = view["columns"]
        if view["name"] == "trend":
            yield "It has a column for each option as well."
            columns = [column for column in columns if column[0] not in {option["name"] for option in options}]
        yield table(("column", "type", ""), ((f"`{name}`", short(kind), sentence(comment))
                                             for name, kind, comment in columns))
    yield "## The stored state"
    yield ("Tables that the worker keeps for itself: what it has counted, and what waits to be written. Nobody has rights on them, "
           "and any release may change them. Their sizes tell what checkpoints take.")
    yield table(("table", ""), ((f"`trending.{one['name']}`", sentence(one["comment"].removeprefix("stored state: ")))
                                for one in server.rows(TABLES)))
    yield "## Settings"
    yield "Set in the configuration file and reloaded, where nothing else is said."
    yield table(("setting", "default", ""), map(setting_row, server.rows(SETTINGS)))


def make(psql):
    server = Server(psql)
    server.run("postgres", f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    server.run("postgres", f"CREATE DATABASE {DATABASE}")
    try:
        server.run(DATABASE, "CREATE EXTENSION trending")
        return "\n\n".join(page(server)) + "\n"
    finally:
        server.run("postgres", f"DROP DATABASE {DATABASE} WITH (FORCE)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--psql", default="psql")
    print(make(parser.parse_args().psql), end="")
