#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Runs every SQL block of README.md, docs/ and examples/, and checks every link of the repository's pages. Checks that
docs/reference.md is what docs/reference.py makes of the extension.

    run.py --psql PSQL     the server is that of PGHOST, PGPORT, PGUSER; the user is a superuser
    run.py --links         links alone

Each page has a database of its own. README.md makes all that it needs; the pages of docs/ find the extension and the
tables of docs/tables.sql, those of examples/ the extension and the files beside them. A comment <!-- setup ... --> has SQL
that is run before the blocks and not shown.
The blocks of a page run in one session of psql, in their order. The words after ```sql say what is expected:

    ```sql                 no error
    ```sql error=0A000     an error of this SQLSTATE
    ```sql not-run         not run; why is said in the text beside it

A block of ```text output that follows is compared with what psql printed, messages included.
Prints TAP.
"""

import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
# A worker that has just been started may not serve at once; the pages are about one that runs.
AWAIT_WORKER = """DO $$ BEGIN
  FOR i IN 1 .. 1200 LOOP
    EXIT WHEN (SELECT state = 'running' FROM trending.worker_status);
    PERFORM pg_sleep(0.05);
  END LOOP;
END $$;
"""
SETUP = re.compile(r"^<!-- setup\n(.*?)^-->$", re.M | re.S)
MARK = "@@ block"
DATABASE = "docs_page"


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, passed, name, found=""):
        self.count += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name}", flush=True)
        if not passed:
            print("".join(f"# {line}\n" for line in found.splitlines()), end="", flush=True)

    def end(self):
        print(f"1..{self.count}")
        return min(self.failed, 1)


class Block:
    """A block of SQL: what is expected of it, and what came."""

    def __init__(self, line, words, body):
        self.line = line
        self.body = body
        self.is_run = "not-run" not in words
        self.error = next((word[6:] for word in words if word.startswith("error=")), "00000")
        self.output = None


def blocks_of(text):
    blocks = []
    for fence in FENCE.finditer(text):
        words = fence["info"].split()
        if words[:1] == ["sql"]:
            line = text.count("\n", 0, fence.start()) + 1
            blocks.append(Block(line, words[1:], fence["body"]))
        elif words == ["text", "output"]:
            blocks[-1].output = fence["body"]
    return blocks


# --- SQL ---------------------------------------------------------------------------------------------------------


class Server:
    def __init__(self, psql):
        self.command = [psql, "-X", "--quiet", "--pset=pager=off"]

    def run(self, database, script):
        """Standard output and error as one, in the order of the session."""
        return subprocess.run(self.command + ["-d", database], input=script, text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def must(self, database, script):
        found = self.run(database, "\\set ON_ERROR_STOP on\n" + script)
        if re.search(r"^(psql:.*)?(ERROR|FATAL):|^psql: error", found, re.M):
            raise RuntimeError(found)
        return found

    def names(self):
        """Databases and roles, to remove what a page left."""
        found = self.must("postgres", "\\pset tuples_only\n\\pset format unaligned\n"
                          "SELECT 'DATABASE ' || quote_ident(datname) FROM pg_database\n"
                          "UNION ALL SELECT 'ROLE ' || quote_ident(rolname) FROM pg_roles ORDER BY 1;")
        return found.splitlines()

    def remove(self, names):
        for name in names:
            how = " WITH (FORCE)" if name.startswith("DATABASE") else ""
            self.must("postgres", f"DROP {name}{how};")


def script_of(blocks):
    """Two marks a block: where its output ends, and the SQLSTATE of its last error."""
    parts = []
    for block in blocks:
        parts.append(f"\\set LAST_ERROR_SQLSTATE 00000\n{block.body}\n\\echo\n\\echo {MARK} :LAST_ERROR_SQLSTATE\n")
        if "\\connect " in block.body:
            parts.append(f"\\connect {DATABASE}\n")
    return "".join(parts)


def run_page(tap, server, page, name):
    blocks = [block for block in blocks_of(page.read_text()) if block.is_run]
    if not blocks:
        return
    before = server.names()
    try:
        server.must("postgres", f"CREATE DATABASE {DATABASE};")
        if page.parent != ROOT:
            server.must(DATABASE, "CREATE EXTENSION trending;" + AWAIT_WORKER + preparation(page))
        report(tap, name, blocks, server.run(DATABASE, script_of(blocks)))
    finally:
        server.remove(sorted(set(server.names()) - set(before)))


def preparation(page):
    files = [page.parent / file for file in ("tables.sql", "schema.sql", "trends.sql")]
    return "".join([file.read_text() for file in files if file.exists()] + SETUP.findall(page.read_text()))


def report(tap, name, blocks, found):
    answers = re.split(rf"\n{MARK} (\w+)\n", found)
    for i, block in enumerate(blocks):
        answer, sqlstate = (answers[2 * i], answers[2 * i + 1]) if 2 * i + 1 < len(answers) else (answers[-1], "none")
        tap.result(sqlstate == block.error, f"{name}:{block.line} ends with {block.error}",
                   f"SQLSTATE: {sqlstate}\n{block.body}\n{answer}")
        if block.output is not None:
            tap.result(normal(answer) == normal(block.output), f"{name}:{block.line} prints what the page shows", answer)


def normal(text):
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


# --- links -------------------------------------------------------------------------------------------------------


def anchors_of(text):
    """The anchors that GitHub and the site make of headings."""
    seen = {}
    for heading in re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.M):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        seen[slug] = seen.get(slug, -1) + 1
        yield slug if seen[slug] == 0 else f"{slug}-{seen[slug]}"


def links_of(text):
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def check_links(tap, page, name):
    broken = []
    for link in links_of(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / urllib.parse.unquote(path) if path else page
        if not target.exists():
            broken.append(f"{link}: no such file")
        elif anchor and anchor not in anchors_of(target.read_text()):
            broken.append(f"{link}: no such heading")
    tap.result(not broken, f"the links of {name}", "\n".join(broken))


def pages():
    found = sorted(ROOT.glob("*.md"))
    for folder in ("bench", "docker", "docs", "examples", "loadgen", "src", "test", "viewer"):
        found += sorted((ROOT / folder).rglob("*.md"))
    return found


def check_reference(tap, psql):
    made = subprocess.run([sys.executable, DOCS / "reference.py", "--psql", psql], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout
    kept = (DOCS / "reference.md").read_text()
    different = difflib.unified_diff(kept.splitlines(), made.splitlines(), "kept", "made", n=0, lineterm="")
    tap.result(made == kept, "docs/reference.md is up to date; docs/reference.py makes it", "\n".join(different))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--psql", default="psql")
    parser.add_argument("--links", action="store_true")
    parser.add_argument("names", nargs="*", help="only the pages of these names")
    options = parser.parse_args()
    tap = Tap()
    for page in pages():
        name = str(page.relative_to(ROOT))
        if options.names and name not in options.names:
            continue
        check_links(tap, page, name)
        if not options.links and page.parts[len(ROOT.parts)] in ("README.md", "docs", "examples"):
            run_page(tap, Server(options.psql), page, name)
    if not options.links and not options.names:
        check_reference(tap, options.psql)
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
