#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# translations.sh LUPDATE VIEWER: every text of the sources has a German translation, and the program loads it by
# the locale. Texts that are new or have changed: cmake --build BUILD --target update_translations, then Linguist.
set -euo pipefail

lupdate=$1
viewer=$2
sources=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d /tmp/viewer-translations.XXXXXX)
trap 'rm -rf "$folder"' EXIT
status=0

cp "$sources/translations/trending-viewer_de.ts" "$folder/de.ts"
find "$sources/src" -name '*.cpp' -o -name '*.h' | sort >"$folder/sources"
"$lupdate" "@$folder/sources" -I "$sources/src" -locations none -no-obsolete -ts "$folder/de.ts" >"$folder/log" 2>&1
! grep -i 'qualifying with unknown' "$folder/log" || status=1
if grep -B 2 'type="unfinished"' "$folder/de.ts" | grep '<source>'; then
  echo "FAILED: these are not translated" >&2
  status=1
else
  echo "ok - every text is translated"
fi

says() { # LOCALE WORDS
  local help
  help=$(env -u LANGUAGE LC_ALL="$1" QT_QPA_PLATFORM=offscreen "$viewer" --help 2>/dev/null)
  if [[ $help == *"$2"* ]]; then
    echo "ok - $1: $2"
  else
    echo "FAILED: with $1 the help does not say '$2'" >&2
    status=1
  fi
}
says de_DE.UTF-8 'Trend, der gezeigt wird.'
says de_AT.UTF-8 'Trend, der gezeigt wird.'
says en_GB.UTF-8 'Trend to show.'
says C 'Trend to show.'
exit $status
