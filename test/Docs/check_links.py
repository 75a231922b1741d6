# ===- check_links.py - Links between documents lead somewhere -----------=== #
#
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: check_links.py FOLDER
#
# Checks the links of all .md files in FOLDER, of docs and examples in it: files
# exist, and headings behind `#`. Links to other hosts are not followed.
#
# ===----------------------------------------------------------------------=== #
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]).resolve()
pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]


def read_prose(path):
    """The text without code."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda code: code[0].replace("[", "").replace("(", ""), text)


def list_anchors(path):
    """Of its headings, as forges make them."""
    headings = re.findall(r"^#+ +(.*)$", read_prose(path), re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings
    }


def find_fault(page, link):
    if re.match(r"[a-z]+:", link):
        return None
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists():
        return "there is no such file"
    if root not in [target, *target.parents]:
        return "it leads out of the repository"
    if anchor and anchor not in list_anchors(target):
        return "there is no such heading"
    return None


faults = []
count = 0
for page in pages:
    for link in re.findall(r"\]\(([^)\s]+)\)", read_prose(page)):
        count += 1
        fault = find_fault(page, link)
        if fault:
            faults.append(f"{page.relative_to(root)}: {link}: {fault}")
print(f"{count} links in {len(pages)} pages")
if faults or count < 50:
    sys.exit("\n".join(faults) or "too few links were found")
