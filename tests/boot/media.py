# SPDX-License-Identifier: MIT
#
# Boot media for the tests: what `make iso` and `make usb` are made of, by the same program,
# with other words on the kernel's command line, no waiting in menus and a small archive. Each
# exists twice: with our UEFI loader as the firmware's choice, and with GRUB. On BIOS both
# start GRUB.
import os
import re
import shutil
import subprocess
import sys
import threading

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def copy_tree(source, target, archive, cmdline):
    shutil.copytree(source, target)
    shutil.copyfile(archive, os.path.join(target, "boot/initramfs.cpio"))
    with open(os.path.join(target, "boot/grub/grub.cfg"), "r+", encoding="utf-8") as f:
        text = f.read()
        text = re.sub(r"set timeout=\d+", "set timeout=0", text)
        text = re.sub(r"(multiboot2 /boot/kernel.elf)", rf"\1 {cmdline}", text, count=1)
        f.seek(0)
        f.truncate()
        f.write(text)
    config = os.path.join(target, "boot/tessera.cfg")
    if os.path.exists(config):
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"timeout = 0\nentry = Test\ncmdline = {cmdline}\n")


class Media:
    """Made when first asked for: several machines may share one, opened as a snapshot."""

    def __init__(self, build, work, cmdline="selftest"):
        self.build, self.work, self.cmdline = build, work, cmdline
        self.lock = threading.Lock()
        self.made = {}

    def get(self, kind, loader):
        """kind: iso, usb or tree (the directory itself); loader: own or grub. A path."""
        with self.lock:
            key = kind, loader
            if key not in self.made:
                self.made[key] = self.make(kind, loader)
            return self.made[key]

    def make(self, kind, loader):
        tree = os.path.join(self.work, f"{loader}-tree")
        if not os.path.exists(tree):
            source = {"own": "esp", "grub": "esp-grub"}[loader]
            copy_tree(os.path.join(self.build, source), tree,
                      os.path.join(self.build, "small.cpio"), self.cmdline)
        if kind == "tree":
            return tree
        out = os.path.join(self.work, f"{loader}.{kind}")
        subprocess.run([sys.executable, os.path.join(TOP, "tools/mkimage.py"), kind, "-o",
                        out, tree], check=True)
        return out
