# SPDX-License-Identifier: MIT
#
# By what QEMU executes: KVM where it runs this kernel, else its own translator (TCG).
# ACCEL=tcg|kvm|auto in the environment or --accel of tools/run. auto, if nothing is said: a probe
# boots the kernel once with KVM and runs a program in it. What came of it is remembered in
# build/accel until the host's kernel or QEMU changes. Some virtual machines have a /dev/kvm that
# cannot run an ordinary guest: there the probe fails, and that is all.
import json
import os
import platform
import shutil
import subprocess
import sys

DEVICE = os.environ.get("TESSERA_KVM", "/dev/kvm")
WAYS = ("auto", "tcg", "kvm")
PROBE_SECONDS = 20  # it takes one; a guest that hangs takes all of them
RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")


def default():
    way = os.environ.get("ACCEL") or "auto"
    if way not in WAYS:
        sys.exit(f"tools/run: ACCEL={way}: it is one of {', '.join(WAYS)}")
    return way


def identity():
    """What the answer of a probe depends on."""
    qemu = shutil.which("qemu-system-x86_64") or ""
    return [platform.release(), qemu, os.path.getmtime(qemu) if qemu else 0,
            os.stat(DEVICE).st_rdev if os.path.exists(DEVICE) else 0]


def probe(kernel, initramfs):
    """(whether a guest ran, why not)"""
    command = [sys.executable, RUN, "--accel", "kvm", "-t", "10", "--kernel", kernel,
               "--initramfs", initramfs, "--alone", "--", "/bin/busybox", "true"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=PROBE_SECONDS, check=False, text=True)
    except subprocess.TimeoutExpired:
        return False, "a guest does not come up with it"
    if done.returncode == 0:
        return True, ""
    return False, (done.stderr.strip().splitlines() or ["QEMU ended"])[0][:120]


def say(text):
    if os.isatty(2):  # else the streams are the program's
        print(f"tools/run: {text}", file=sys.stderr)


def remembered(path):
    try:
        with open(path, encoding="utf-8") as f:
            known = json.load(f)
        return known if known["for"] == identity() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def choose(way, build, kernel, initramfs):
    """"kvm" or "tcg"."""
    if way != "auto":
        return way
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return "tcg"
    path = os.path.join(build, "accel")
    known = remembered(path)
    if known is None:
        good, why = probe(kernel, initramfs)
        known = {"for": identity(), "accel": "kvm" if good else "tcg", "why": why}
        try:
            with open(path, "w", encoding="utf-8") as f:
                json.dump(known, f)
        except OSError:
            pass  # then the next one asks again
        say("KVM runs the guest" if good else f"KVM does not run an ordinary guest here ({why}): TCG")
    return known["accel"]
