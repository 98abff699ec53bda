#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The documentation as a static site with search: make docs, into build/docs/site.
set -euo pipefail
# shellcheck source=../scripts/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

# The pages with what they link to, where they are in the repository: links need no translation.
cd "$repository"
rm -rf build/docs/pages
mkdir -p build/docs/pages
find . \( -path ./build -o -path './.*' \) -prune -o \( -name '*.md' -o -path './docs/*.sql' -o -path './docs/*.css' -o \
  -path './docs/*.svg' -o -path './examples/*' -o -path './docker/*' -o -path './monitoring/*' -o -path './viewer/docs/*' -o -name LICENSE \) -type f -exec cp --parents -t build/docs/pages {} +
require_packages mkdocs mkdocs-material
mkdocs build --quiet -f mkdocs.yml
say "build/docs/site/index.html"
