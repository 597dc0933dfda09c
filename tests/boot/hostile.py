# SPDX-License-Identifier: MIT
#
# Hostile boots: the real kernel with the data of a loader that lies. Each case has one exact
# outcome: the shell's prompt, from which the machine is switched off, or a refusal by one
# panic line that matches, with QEMU status 255. Never a hang, silence or a reset.
import os
import re
from collections import namedtuple

import hostile_acpi
import hostile_efi
import hostile_maps
import hostile_modules
import hostile_multiboot2
import image
import machine

SECONDS = 240
FLAGS = ["-machine", "q35", "-m", "64", "-cpu", "max"]
# A refusal: by panic(), or by the entry code, which has only a line of its own.
PANIC = re.compile(r"^(?:\[ *[\d.]+\] )?(?:kernel panic|tessera): (.*?)\r?$", re.M)

Case = namedtuple("Case", "name expected build flags")


def judge(expected, m):
    """None, or what is wrong with the end of machine m."""
    kind, pattern = expected
    code, text = m.wait(), m.text
    if code is None:
        return f"no end after {m.seconds} s"
    panics = PANIC.findall(text)
    if kind == "boots":
        if code != machine.PASSED:
            return f"status {code}, want the prompt; {panics or 'no panic line'}"
        if pattern and not re.search(pattern, text):
            return f"it booted, but its log has nothing like {pattern!r}"
        return None
    if code != machine.PANICKED or len(panics) != 1:
        return f"status {code} with panic lines {panics}, want one like {pattern!r}"
    if not re.fullmatch(pattern, panics[0]):
        return f"refused with {panics[0]!r}, want {pattern!r}"
    return None


def run(case, kernel, archive, log, work):
    loader = image.Image(kernel)
    loader.archive = archive
    case.build(loader)
    path = os.path.join(work, os.path.basename(log) + ".elf")
    loader.write(path)
    try:
        with machine.Machine(FLAGS + list(case.flags) + ["-kernel", path], log,
                             SECONDS) as m:
            if case.expected[0] == "boots" and m.expect(machine.PROMPT) is not None:
                m.type("poweroff")
            return judge(case.expected, m)
    finally:
        os.unlink(path)


def all_cases():
    for module in (hostile_maps, hostile_modules, hostile_multiboot2, hostile_efi,
                   hostile_acpi):
        for name, expected, build, *flags in module.cases():
            yield Case(name, expected, build, flags)


def cases(build, work):
    """(name, function of the log's path) for the runner."""
    kernel = image.Kernel(f"{build}/release/kernel.elf", work)
    with open(f"{build}/initramfs.cpio", "rb") as f:
        archive = f.read()
    for case in all_cases():
        yield case.name, lambda log, case=case: run(case, kernel, archive, log, work)
