#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's programs, unmodified: each job of the *.jobs files here runs on this machine and
# inside Tessera, and must print the same and end the same.
#
#   programs.py BUILD_DIR [--write PAGE] [JOB...]    TAP; only those jobs; makes the page
#   programs.py --packages                           what the jobs need, with the job's name
#
# A job is a paragraph of lines: `job NAME`, `packages A B`, `memory MIB` (free), `seconds N`,
# `cpus N`, `filter PATTERN => TEXT` (on the output of both), `differs WHY` (a job that is
# known not to agree); `prepare:` and `run:` stand before indented lines of bash. What
# `prepare` makes on this machine is there on both sides. The last result of each job is kept
# below BUILD_DIR/programs; the page is made from those.
import fcntl
import glob
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tools"))
import debfiles  # noqa: E402

ALWAYS = ["bash", "coreutils", "grep", "sed", "findutils", "mawk", "procps", "netbase", "diffutils"]
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "LANG": "C", "TERM": "vt100"}
PRELUDE = 'export HOME=$PWD LC_ALL=C TERM=vt100 SHELL=/bin/bash; umask 022\n'
# Networks and processes of a host's job are its own, and end with it.
APART = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, os.path.abspath(__file__), "--apart"]
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


class Job:
    def __init__(self, name, group):
        self.name, self.group = name, group
        self.packages, self.filters, self.differs = [], [], None
        self.memory, self.seconds, self.cpus = None, 120, 1
        self.prepare, self.script = "", ""

    def set(self, key, value):
        if key == "packages":
            self.packages = value.split()
        elif key == "filter":
            pattern, _, text = value.partition(" => ")
            self.filters.append((re.compile(pattern.encode(), re.M), text.encode()))
        elif key in ("memory", "seconds", "cpus"):
            setattr(self, key, int(value))
        elif key == "differs":
            self.differs = value
        else:
            raise ValueError(f"job {self.name}: unknown word {key}")

    def filtered(self, output):
        for pattern, text in self.filters:
            output = pattern.sub(text, output)
        return output


def parse(path):
    jobs, block = [], None
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("    ") or (block and not line.strip()):
                setattr(jobs[-1], block, getattr(jobs[-1], block) + line)
            elif line.startswith("#") or not line.strip():
                continue
            elif line.startswith("job "):
                jobs.append(Job(line.split()[1], os.path.splitext(os.path.basename(path))[0]))
                block = None
            elif line.strip() in ("run:", "prepare:"):
                block = "script" if line.startswith("run") else "prepare"
            else:
                key, _, value = line.strip().partition(" ")
                jobs[-1].set(key, value)
                block = None
    for job in jobs:
        job.script = PRELUDE + textwrap.dedent(job.script)
        job.prepare = textwrap.dedent(job.prepare)
    return jobs


def all_jobs():
    jobs = [j for path in sorted(glob.glob(f"{HERE}/*.jobs")) for j in parse(path)]
    names = [j.name for j in jobs]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise ValueError(f"jobs with one name: {' '.join(sorted(twice))}")
    return jobs


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def as_from_a_terminal():
    """Signals that a shell ignores for its jobs, and the nice value, which jobs print."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    if os.getuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)


def ended(command, seconds, **how):
    """(output, error output, status) of a command; 124 when the time is over."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True,
                          preexec_fn=as_from_a_terminal, **how) as p:
        try:
            out, err = p.communicate(timeout=seconds)
            return out, err, p.returncode
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            return out, err, 124


def on_host(job, files, work):
    place = os.path.join(work, "host")
    shutil.copytree(files, place)
    command = (APART if os.getuid() == 0 else []) + ["/bin/bash", "job.sh"]
    return ended(command, job.seconds, cwd=place, env=ENVIRONMENT)


def inside(job, files):
    command = [os.path.join(TOP, "tools/run"), "-t", str(job.seconds), "-s", str(job.cpus)]
    if job.memory:
        command += ["-m", f"+{job.memory}"]
    for name in ALWAYS + job.packages:
        command += ["--package", name]
    for name in sorted(os.listdir(files)):
        command += ["--add", os.path.join(files, name)]
    return ended(command + ["--", "/bin/bash", "job.sh"], job.seconds * 2 + 60)


def attempt(job, kept):
    """Runs a job on both; what it needs to be told about it."""
    with tempfile.TemporaryDirectory(prefix="tessera-job-") as work:
        os.chmod(work, 0o755)
        files = os.path.join(work, "files")
        os.mkdir(files)
        with open(os.path.join(files, "job.sh"), "w", encoding="utf-8") as f:
            f.write(job.script)
        if job.prepare:
            subprocess.run(["/bin/bash", "-e", "-c", job.prepare], cwd=files, check=True,
                           stdout=sys.stderr, stdin=subprocess.DEVNULL,
                           env={**ENVIRONMENT, "HOME": work})
        there = on_host(job, files, work)
        started = time.monotonic()
        here = inside(job, files)
    for side, (out, err, status) in (("host", there), ("tessera", here)):
        with open(os.path.join(kept, f"{job.name}.{side}"), "wb") as f:
            f.write(job.filtered(out) + b"status %d\n" % status)
        with open(os.path.join(kept, f"{job.name}.{side}.err"), "wb") as f:
            f.write(err)
    agrees = job.filtered(there[0]) == job.filtered(here[0]) and there[2] == here[2]
    # A job that fails everywhere shows nothing.
    useful = there[2] == 0 and len(there[0]) > 0
    return {"agrees": agrees and useful, "useful": useful, "status": [there[2], here[2]],
            "seconds": round(time.monotonic() - started, 1)}


def remark(result, differs):
    if not result["useful"]:
        return f" # the host's status is {result['status'][0]}"
    if not result["agrees"]:
        return f" # status {result['status'][1]}; {differs or 'the output differs'}"
    return f" # {result['seconds']} s"


def run_jobs(jobs, kept):
    wrong = known = 0
    print(f"TAP version 13\n1..{len(jobs)}", flush=True)
    for number, job in enumerate(jobs, 1):
        try:
            result = attempt(job, kept)
        except (OSError, subprocess.SubprocessError) as e:
            result = {"agrees": False, "useful": False, "status": [str(e), 0], "seconds": 0}
        with open(os.path.join(kept, f"{job.name}.json"), "w", encoding="utf-8") as f:
            json.dump(result, f)
        fine = result["agrees"]
        known += not fine and job.differs is not None
        wrong += not fine and job.differs is None
        known_mark = " # known" if not fine and job.differs else ""
        print(f"{'ok' if fine else 'not ok'} {number} - {job.name}{known_mark}"
              f"{remark(result, job.differs)}", flush=True)
    print(f"{len(jobs) - wrong - known} passed, {wrong} failed, {known} known to differ")
    return wrong


def versions(job, packages):
    names = [n for n in job.packages if n not in ALWAYS] or ["bash"]
    return ", ".join(f"{n} {packages.versions.get(packages.installed(n), '-')}" for n in names)


def page(jobs, kept):
    """The text of docs/programs.md."""
    packages, rows, agree = debfiles.Packages(), [], 0
    for job in jobs:
        try:
            with open(os.path.join(kept, f"{job.name}.json"), encoding="utf-8") as f:
                result = json.load(f)
        except OSError:
            result = None
        if result is None:
            word = "not run"
        elif result["agrees"]:
            word, agree = "same", agree + 1
        else:
            word = f"no: {job.differs or 'not explained yet'}"
        rows.append(f"| {job.name} | {versions(job, packages)} | {word} |")
    groups = sorted({j.group for j in jobs})
    with open("/etc/debian_version", encoding="ascii") as f:
        debian = f.read().strip()
    out = ["# Programs", "",
           f"Debian {debian}'s own programs, unmodified, on this machine's Linux and inside Tessera, by",
           "`make test-programs`, which writes this page. A job is *same* when what it prints and its",
           f"exit status are the same on both: {agree} of {len(jobs)} are. What each does is in",
           "[tests/programs](../tests/programs).", ""]
    for group in groups:
        out += [f"## {group.capitalize()}", "", "| job | packages | |", "| --- | --- | --- |"]
        out += [r for r, j in zip(rows, jobs) if j.group == group] + [""]
    return "\n".join(out)


def main():
    words = sys.argv[1:]
    if words[:1] == ["--apart"]:
        loopback_up()
        os.execv(words[1], words[1:])
    jobs = all_jobs()
    if words == ["--packages"]:
        seen = set()
        for name, why in [(n, "every job") for n in ALWAYS] + [
                (n, f"job {j.name}") for j in jobs for n in j.packages]:
            if name not in seen:
                seen.add(name)
                print(f"{name:18} {why}")
        return 0
    kept = os.path.join(words.pop(0), "programs")
    os.makedirs(kept, exist_ok=True)
    target = None
    if words[:1] == ["--write"]:
        target, words = words[1], words[2:]
    todo = [j for j in jobs if not words or any(w == j.group or re.fullmatch(w, j.name) for w in words)]
    wrong = run_jobs(todo, kept)
    if target:
        with open(target, "w", encoding="utf-8") as f:
            f.write(page(jobs, kept))
    return 1 if wrong or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
