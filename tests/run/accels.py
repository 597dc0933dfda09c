# SPDX-License-Identifier: MIT
#
# By what tools/run executes: where KVM does not work the probe finds that out, once.
import json
import os
import subprocess

from harness import BUSYBOX, RUN, TOP, Failure, case, same


def with_kvm(work, device, *options, status=0):
    """Runs a program with a file in the place of /dev/kvm; the error output."""
    build = os.path.join(TOP, os.environ.get("TESSERA_BUILD", "build"))
    environment = {k: v for k, v in os.environ.items() if k != "ACCEL"}
    done = subprocess.run(
        [RUN, "-t", "240", "--kernel", os.path.join(build, "release/kernel.elf"),
         "--initramfs", os.path.join(build, "initramfs.cpio"), *options, "--", BUSYBOX, "echo", "here"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600,
        env={**environment, "TESSERA_BUILD": work, "TESSERA_KVM": device})
    if done.returncode != status:
        raise Failure(f"status {done.returncode}: {done.stderr[-200:]!r}")
    same(done.stdout, b"here\n" if status == 0 else b"")
    return done.stderr


@case
def accel_probe(work):
    """a KVM that runs no guest fails the probe, which is remembered: TCG, and the streams stay the program's"""
    device, path = os.path.join(work, "kvm"), os.path.join(work, "accel")
    with open(device, "wb"):
        pass
    same(with_kvm(work, device), b"", "error output")
    with open(path, encoding="utf-8") as f:
        same(json.load(f)["accel"], "tcg")
    os.utime(path, (1, 1))
    same(with_kvm(work, device), b"", "error output")
    same(int(os.path.getmtime(path)), 1, "time of the answer")
    os.remove(path)
    with_kvm(work, os.path.join(work, "none"))
    if os.path.exists(path):
        raise Failure("without /dev/kvm there is nothing to remember")
