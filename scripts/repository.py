#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Checks what the repository says of itself: one version everywhere, licence lines, the form of the changelog, files that
others read (META.json, YAML, JSON). Prints "pass NAME" or "FAIL NAME: why"."""

import hashlib
import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
LICENSE_LINE = "SPDX-License-Identifier: PostgreSQL"
NOT_OURS = {".git", ".cache", ".demo", "build", "tmp_check", "output_iso", "log"}
# Inputs of pg_regress are repeated in the results that they are compared with: the licence of the whole is theirs.
UNMARKED = re.compile(r"^(sql/(?!.*--)|test/specs/|test/pgtap/)")
SOURCE = re.compile(r"(\.(cpp|h|py|sh|pl|pm|mk|sql|ya?ml|css|map|h\.in)|(^|/)(Makefile|Dockerfile|CMakeLists\.txt)|^\.ci/run)$")
HEADING = re.compile(r"^## (\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d)$")
# Scripts of versions that are out: who has them installed has them as they were.
FROZEN = {"sql/trending--0.1.0.sql": "723793aeeab680e8b18084e94965d1dd87704952006c40f5d97294b7196ce562"}
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def files():
    for path in sorted(ROOT.rglob("*")):
        name = path.relative_to(ROOT)
        # What pg_regress leaves is in results/; src/ has a folder of that name, too.
        if path.is_file() and not NOT_OURS & set(name.parts) and name.parts[0] != "results":
            yield str(name)


def version():
    return re.search(r"^default_version *= *'(.*)'", text("trending.control"), re.M)[1]


def check_licence_lines():
    for name in files():
        if SOURCE.search(name) and not UNMARKED.match(name) and LICENSE_LINE not in text(name)[:400]:
            yield f"{name} has no line '{LICENSE_LINE}'"


def check_version():
    meta = json.loads(text("META.json"))
    found = {
        "META.json": meta["version"],
        "META.json, provides": meta["provides"]["trending"]["version"],
        "viewer/CMakeLists.txt": re.search(r"VERSION (\d\S*) LANGUAGES", text("viewer/CMakeLists.txt"))[1],
    }
    if (ROOT / "debian/changelog").exists():
        found["debian/changelog"] = re.match(r"trending \((.*)-\d+\)", text("debian/changelog"))[1]
    for name, value in found.items():
        if value != version():
            yield f"{name} has version {value}, trending.control {version()}"


def check_frozen():
    for name, digest in FROZEN.items():
        if hashlib.sha256((ROOT / name).read_bytes()).hexdigest() != digest:
            yield f"{name} belongs to a version that is out: what is new goes into trending--{version()}.sql and the upgrade script"


def check_meta():
    """What PGXN takes: its terms that must be there, and files that are."""
    meta = json.loads(text("META.json"))
    for term in ("name", "version", "abstract", "maintainer", "license", "provides", "meta-spec"):
        if not meta.get(term):
            yield f"META.json has no {term}"
    if meta["meta-spec"]["version"] != "1.0.0" or meta["license"] != "postgresql":
        yield "META.json: meta-spec 1.0.0 and license postgresql are wanted"
    for extension in meta["provides"].values():
        for file in (extension["file"], extension["docfile"]):
            if not (ROOT / file).exists():
                yield f"META.json names {file}, which is not there"


def check_changelog():
    for line in text("CHANGELOG.md").splitlines():
        if line.startswith("## ") and not HEADING.match(line):
            yield f"'{line}' is neither [Unreleased] nor [version] - date"
        if line.startswith("### ") and line[4:] not in KINDS:
            yield f"'{line}' is none of {', '.join(sorted(KINDS))}"


def check_data_files():
    for name in files():
        try:
            if name.endswith(".json"):
                json.loads(text(name))
            elif name.endswith((".yaml", ".yml")) and name != "mkdocs.yml":  # which has tags of its own
                list(yaml.safe_load_all(text(name)))
        except (ValueError, yaml.YAMLError) as error:
            yield f"{name}: {error}"


def check_issue_form():
    form = yaml.safe_load(text(".github/ISSUE_TEMPLATE/bug.yaml"))
    asked = [part for part in form["body"] if "trending.worker_status" in part["attributes"].get("value", "")]
    if not asked or not asked[0]["validations"]["required"]:
        yield "the form for bugs does not ask for trending.worker_status"


def compose_faults(compose, stages):
    for name, service in compose["services"].items():
        if "build" in service and service["build"]["target"] not in stages:
            yield f"service {name} builds {service['build']['target']}, which the Dockerfile does not have"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not ((ROOT / "docker" / source).exists() if source.startswith(".") else source in compose["volumes"]):
                yield f"service {name} mounts {source}, which is not there"
        for other in service.get("depends_on", []):
            if other not in compose["services"]:
                yield f"service {name} depends on {other}, which is not there"


def check_containers():
    """What the Dockerfile copies is there, and what the compose files build and mount."""
    dockerfile = text("docker/Dockerfile")
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", dockerfile, re.M))
    for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.M):
        for source in copied.split():
            if not (ROOT / source).exists():
                yield f"the Dockerfile copies {source}, which is not there"
    for file in ("compose.yaml", "subscriber.yaml"):
        yield from compose_faults(yaml.safe_load(text(f"docker/{file}")), stages)
    cluster, database = yaml.safe_load_all(text("docker/cloudnative-pg.yaml"))
    names = [part["name"] for part in cluster["spec"]["postgresql"]["extensions"] + database["spec"]["extensions"]]
    if set(names) != {"trending"} or "extension" not in stages or database["spec"]["cluster"] != {"name": cluster["metadata"]["name"]}:
        yield "docker/cloudnative-pg.yaml: the extension, its image and its cluster do not fit"


def check_pages():
    """A hurried reader's pages: the front page short, paragraphs and items of lists of 80 words at most."""
    if text("README.md").count("\n") > 160:
        yield "README.md has more than 160 lines"
    for name in files():
        if not name.endswith(".md") or name in {"CHANGELOG.md", "docs/reference.md"}:  # the latter has comments
            continue
        prose = re.sub(r"^ *```.*?^ *```$", "", text(name), flags=re.M | re.S)
        for paragraph in re.split(r"\n[ >]*\n|\n(?=\s*[-*|] )|\n(?=\s*\d+\. )", prose):
            words = len(paragraph.split())
            if words > 80 and not paragraph.lstrip().startswith("|"):
                yield f"{name} has a paragraph of {words} words: '{paragraph.strip()[:50]}...'"


def check_rooms():
    """Every include of src/ leads to a folder on the same or a lower floor: ARCHITECTURE.md has the floors."""
    rows = re.findall(r"^\| (\d+) \| `(.*?)` \|", text("ARCHITECTURE.md"), re.M)
    floors = {folder: int(floor) for floor, folder in rows}
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        name, folder = path.relative_to(ROOT / "src"), str(path.parent.relative_to(ROOT / "src"))
        if folder not in floors:
            yield f"src/{name}: its folder has no floor in ARCHITECTURE.md"
            continue
        for included in re.findall(r'^#include "(.*)"', path.read_text(encoding="utf-8"), re.M):
            above = floors.get(str(pathlib.PurePath(included).parent), 0) > floors[folder]
            if above and (ROOT / "src" / included).exists():
                yield f"src/{name} includes {included}, which lies above it"


def main():
    failed = False
    for name, check in sorted(globals().items()):
        if not name.startswith("check_"):
            continue
        faults = list(check())
        failed = failed or bool(faults)
        for fault in faults:
            print(f"FAIL {name[6:]}: {fault}")
        if not faults:
            print(f"pass {name[6:]}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
