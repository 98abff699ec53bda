#!/usr/bin/env bash
# The documentation as a static site with search: make docs, into build/docs/site.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

pages=$repository/build/docs/pages

# The repository's pages with what they link to, where they are in the repository: links need no translation.
copy_pages() {
  rm -rf "$pages"
  mkdir -p "$pages"
  (
    cd "$repository"
    find . \( -path ./build -o -path './.*' \) -prune -o \
      \( -name '*.md' -o -path './docs/*.sql' -o -path './docs/*.css' -o -path './examples/*' -o -path './viewer/docs/*' -o -name LICENSE \) -type f -print0 |
      tar --null -T - -cf -
  ) | tar -C "$pages" -xf -
}

require_packages mkdocs mkdocs-material
copy_pages
mkdocs build --quiet -f "$repository/mkdocs.yml"
say "build/docs/site/index.html"
