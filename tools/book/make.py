#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documents as a folder of HTML: `make book`.

    make.py BUILD

Pandoc makes the text, one run for a page. Names of files and functions of this tree between backquotes
become links into the sources, which come along as pages with numbered lines, as far as
something leads to them. A link that leads nowhere is an error. Search needs no server: search.js
brings the texts."""
import concurrent.futures
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
CODE = re.compile(r"<code>([\w./-]+?)(\(\))?</code>")
DEFINITION = re.compile(r"^(?:[a-zA-Z_][\w\s*]*?[\s*])?(\w+)\([^;]*$")
LINK = re.compile(r'(href|src)="([^"]*)"')


def tracked():
    out = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True)
    return out.stdout.split("\n")[:-1]


def definitions(files):
    """name -> (file, line) of functions: those that more than one file defines are left out."""
    found, twice = {}, set()
    for f in files:
        if not f.endswith((".c", ".h")) or f.startswith("tests/"):
            continue
        for number, line in enumerate(pathlib.Path(f).read_text(errors="replace").splitlines(), 1):
            m = DEFINITION.match(line) if line[:1].isalpha() else None
            if m and not line.startswith(("typedef", "#", "return", "DEFINE", "extern")):
                old = found.get(m[1])
                if old and old[0] != f:
                    twice.add(m[1])
                found[m[1]] = (f, number)
    return {name: place for name, place in found.items() if name not in twice}


class Book:
    def __init__(self, build):
        self.root = build / "book"
        self.files = tracked()
        self.known = set(self.files)
        self.functions = definitions(self.files)
        self.pages = {f: self.place(f) for f in self.files if f.endswith(".md")}
        self.sources, self.texts, self.faults = set(), [], []

    def place(self, file):
        """Where the page of a document is: chapters at the top, as the explorer expects them."""
        name = file[:-3] + ".html"
        name = re.sub(r"^docs/(book/)?", "", name)
        if file == "docs/book/README.md":
            return "README.html"
        return "tree/" + name if not file.startswith("docs/") else name

    def source(self, file, line=0):
        self.sources.add(file)
        return f"source/{file}.html" + (f"#L{line}" if line else "")

    def code(self, m, file):
        """A name between backquotes: a file of the tree, or a function."""
        name, call = m[1], m[2]
        beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
        target = next((n for n in (name, beside) if n in self.known), None)
        if call and name in self.functions:
            return f'<a href="@{self.source(*self.functions[name])}"><code>{name}()</code></a>'
        if not call and target and "/" in name:
            place = self.pages.get(target) or self.source(target)
            return f'<a href="@{place}"><code>{name}</code></a>'
        return m[0]

    def link(self, m, file):
        kind, target = m[1], html.unescape(m[2])
        if target.startswith(("@", "#")) or re.match(r"[a-z]+:", target):
            return m[0]
        path, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(file), path))
        anchor = "#" + anchor if anchor else ""
        if full in self.pages:
            return f'{kind}="@{self.pages[full]}{anchor}"'
        if full in self.known and full.endswith((".png", ".svg")):
            where = self.root / "images" / pathlib.Path(full).name
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(full, where)
            return f'{kind}="@images/{where.name}"'
        if full in self.known:
            return f'{kind}="@{self.source(full)}"'
        inside = [f for f in self.files if f.startswith(full + "/")]
        if inside:  # a folder: its page, or its first file
            return f'{kind}="@{self.pages.get(full + "/README.md") or self.source(inside[0])}"'
        self.faults.append(f"{file}: {target} leads nowhere")
        return m[0]

    def write(self, place, title, body, cls=""):
        up = "../" * place.count("/")
        page = (HERE / "page.html").read_text()
        for name, value in (("TITLE", html.escape(title)), ("CLASS", cls), ("BODY", body), ("UP", up)):
            page = page.replace("@@" + name + "@@", value)
        page = re.sub(r'(href|src)="@', rf'\1="{up}', page)
        where = self.root / place
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(page)

    def convert(self, file):
        out = subprocess.run(["pandoc", "-f", "gfm", "-t", "html5", "--wrap=none", file], check=True,
                             capture_output=True, text=True).stdout
        return file, out

    def document(self, file, body):
        title = re.search(r"<h1[^>]*>(.*?)</h1>", body, re.S)
        title = re.sub("<[^>]*>", "", title[1]) if title else file
        text = html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", body)))
        self.texts.append([self.pages[file], html.unescape(title), text])
        body = CODE.sub(lambda m: self.code(m, file), body)
        body = LINK.sub(lambda m: self.link(m, file), body)
        body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
        self.write(self.pages[file], html.unescape(title), body)

    def make(self):
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for file, body in pool.map(self.convert, sorted(self.pages)):
                self.document(file, body)
        for file in sorted(self.sources):
            lines = pathlib.Path(file).read_text(errors="replace").splitlines()
            body = "\n".join(f'<span id="L{n}"><a href="#L{n}">{n:5}</a>  {html.escape(line)}</span>'
                             for n, line in enumerate(lines, 1))
            self.write(f"source/{file}.html", file, f"<h1>{file}</h1><pre class='source'>{body}</pre>", "code")
        (self.root / "search.js").write_text("const TEXTS = " + json.dumps(self.texts, separators=(",", ":")) + ";\n")
        for name in ("book.css", "book.js"):
            shutil.copy(HERE / name, self.root / name)

    def check(self):
        """Every link of every page: the file, and the place in it."""
        ids, links = {}, 0
        for page in self.root.rglob("*.html"):
            ids[page] = set(re.findall(r'id="([^"]*)"', page.read_text()))
        for page in ids:
            for _, target in LINK.findall(page.read_text()):
                target = html.unescape(target)
                if re.match(r"[a-z]+:", target):
                    continue
                links += 1
                path, _, anchor = target.partition("#")
                full = (page.parent / path).resolve() if path else page
                if full == (self.root.parent / "explorer.html").resolve():
                    continue
                if not full.exists():
                    self.faults.append(f"{page.relative_to(self.root)}: dead link {target}")
                elif anchor and full in ids and anchor not in ids[full]:
                    self.faults.append(f"{page.relative_to(self.root)}: no place {target}")
        return links


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    book = Book(build)
    book.make()
    links = book.check()
    for fault in book.faults:
        print("book: " + fault)
    print(f"  BOOK {sys.argv[1]}/book/README.html: {len(book.pages)} pages, {len(book.sources)} sources, {links} links")
    sys.exit(bool(book.faults))


main()
