# ===- check_site.py - Links of a static site lead somewhere -------------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_site.py FOLDER
#
# Checks that all files exist that the pages of FOLDER refer to, that links to
# headings find them, and that no page loads anything from another host.
#
# ===----------------------------------------------------------------------=== #
import html.parser
import pathlib
import sys
import urllib.parse

root = pathlib.Path(sys.argv[1]).resolve()


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.add(values.get("id"))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in ("script", "img", "link"):
            self.loaded += filter(None, [values.get("src"), values.get("href")])


pages = {path: Page(path) for path in root.glob("**/*.html") if path.name != "404.html"}
faults = []
for path, page in pages.items():
    for link in page.links + page.loaded:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            if link in page.loaded:
                faults.append(f"{path}: loads {link}")
            continue
        name = urllib.parse.unquote(parts.path)
        target = (path.parent / name).resolve() if name else path
        if not target.is_file():
            faults.append(f"{path}: {link}: there is no such file")
        elif parts.fragment and target in pages:
            if urllib.parse.unquote(parts.fragment) not in pages[target].ids:
                faults.append(f"{path}: {link}: there is no such heading")
if faults or len(pages) < 20:
    sys.exit("\n".join(faults) or f"there are {len(pages)} pages only")
