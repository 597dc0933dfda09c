# SPDX-License-Identifier: MIT
#
# What Debian packages bring: the files of a package and of all it depends on, with the links
# of update-alternatives, without documentation. Read from dpkg's own files; nothing is run.
import os

DPKG = "/var/lib/dpkg"
# Packages others depend on for their installation only.
INSTALLERS = {"dpkg", "debconf", "adduser", "ucf", "init-system-helpers", "lsb-base", "systemd",
              "dbus", "install-info", "sensible-utils", "logrotate", "apt"}
LEFT_OUT = tuple("/usr/share/" + name + "/" for name in (
    "doc", "man", "info", "locale", "lintian", "bug", "doc-base", "icons", "applications",
    "pixmaps", "menu", "bash-completion", "zoneinfo-icu", "i18n"))


class Packages:
    """The installed packages of this machine."""

    def __init__(self):
        self.needs, self.wishes, self.providers, self.versions = {}, {}, {}, {}
        with open(f"{DPKG}/status", encoding="utf-8", errors="replace") as f:
            for paragraph in f.read().split("\n\n"):
                self.add(paragraph)

    def add(self, paragraph):
        fields = {}
        for line in paragraph.split("\n"):
            key, colon, value = line.partition(": ")
            if colon and key in ("Package", "Status", "Version", "Depends", "Pre-Depends",
                                 "Recommends", "Provides", "Architecture"):
                fields[key] = value
        if fields.get("Status", "").split()[-1:] != ["installed"]:
            return
        if fields.get("Architecture") not in ("amd64", "all"):
            return
        name = fields["Package"]
        self.versions[name] = fields["Version"]
        self.needs[name] = [
            [word.split()[0].split(":")[0] for word in choice.split("|") if word.strip()]
            for key in ("Pre-Depends", "Depends")
            for choice in fields.get(key, "").split(",") if choice.strip()]
        self.wishes[name] = [word.split()[0] for choice in fields.get("Recommends", "").split(",")
                             for word in choice.split("|")[:1] if word.strip()]
        for word in fields.get("Provides", "").split(","):
            if word.strip():
                self.providers.setdefault(word.split()[0], []).append(name)

    def installed(self, name):
        """The package of that name, or the first that provides it, or None."""
        if name in self.versions:
            return name
        return next(iter(self.providers.get(name, [])), None)

    def closure(self, names, wishes=()):
        """The packages and all they depend on, and what `wishes` recommend, if it is
        installed; ValueError when one of `names` is not installed."""
        found, work = [], list(names)
        for name in names:
            if not self.installed(name):
                raise ValueError(f"package {name} is not installed")
        for name in wishes:
            work += [w for w in self.wishes.get(name, []) if not w.endswith("-dbg")]
        while work:
            name = self.installed(work.pop(0))
            if not name or name in found or name in INSTALLERS:
                continue
            found.append(name)
            for choice in self.needs[name]:
                work.append(next((c for c in choice if self.installed(c)), choice[0]))
        return found


def listed(name):
    """The paths of a package as dpkg lists them."""
    for path in (f"{DPKG}/info/{name}.list", f"{DPKG}/info/{name}:amd64.list"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                return f.read().splitlines()
    return []


def owner(path):
    """The package that brings a file, by any of its names, or None."""
    names = {path, os.path.realpath(path)}
    names |= {n[4:] for n in names if n.startswith("/usr/")} | {"/usr" + n for n in names}
    wanted = [n.encode() for n in names]
    for entry in os.scandir(f"{DPKG}/info"):
        if entry.name.endswith(".list"):
            with open(entry.path, "rb") as f:
                data = f.read()
            if any(b"\n" + n + b"\n" in data for n in wanted):
                return entry.name[:-5].split(":")[0]
    return None


def alternatives(paths):
    """The links of update-alternatives that lead to one of the paths."""
    links = set()
    for name in os.listdir(f"{DPKG}/alternatives"):
        with open(f"{DPKG}/alternatives/{name}", encoding="utf-8") as f:
            lines = f.read().split("\n\n")[0].splitlines()
        pairs = [(name, lines[1])] + list(zip(lines[2::2], lines[3::2]))
        for short, link in pairs:
            middle = f"/etc/alternatives/{short}"
            if os.path.islink(link) and os.path.realpath(middle) in paths:
                links |= {link, middle}
    return links


def files(names, wishes=()):
    """Every file, link and directory that the packages and their needs bring, sorted; of
    those among `wishes` what they recommend too."""
    paths = set()
    for name in Packages().closure(names, wishes):
        for path in listed(name):
            if path != "/." and not path.startswith(LEFT_OUT) and os.path.lexists(path):
                paths.add(path)
    real = {os.path.realpath(p) for p in paths}
    return sorted(paths | alternatives(real))
