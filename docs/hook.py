# SPDX-License-Identifier: PostgreSQL
"""What MkDocs does not know of our pages (mkdocs.yml)."""

import re


def on_page_markdown(markdown, **_):
    """Words after a fence's language are for the tests; anchors of headings are GitHub's."""
    return re.sub(r"^(```\w+) [^\n`]*$", r"\1", markdown, flags=re.M)
