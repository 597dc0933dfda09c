# SPDX-License-Identifier: MIT
#
# USB keyboards: types on QEMU's emulated ones at several controllers, behind hubs, plugged
# in and out while the shell runs. The machine and the hands are those of keys.py.
import re

from keys import PROMPT, Machine, judge

FOUND = re.compile(rb"usb: keyboard \S+ on [^\r\n]*\r\n")
XHCI = ("-device", "qemu-xhci,id=usb")


def devices(*names):
    return tuple(word for name in names for word in ("-device", name))


def ready(m, times=1):
    """Waits until the kernel has named `times` keyboards."""
    while len(FOUND.findall(m.seen)) < times:
        if not m.read(20):
            raise ValueError(f"no keyboard was found: {m.seen[-300:]!r}")
    m.text = b""


def types(m):
    """typed words reach the shell, with Shift and rollover"""
    ready(m)
    m.command("echo 'The quick-brown FOX'", "The quick-brown FOX\r\n")
    # Six keys held at once, and let go in another order.
    for name in "qwerty":
        m.keys((name, True))
        m.expect(name.encode())
    for name in "ytrewq":
        m.keys((name, False))
    m.tap("ctrl-c")
    m.expect(PROMPT)
    m.command("echo done", "done\r\n")


def plug(m, number, driver, port, name):
    m.ask("device_add", driver=driver, bus="usb.0", port=port, id=name)
    ready(m, number)


def unplug(m, name, said=b"is gone\r\n"):
    m.ask("device_del", id=name)
    m.expect(said)


def replugged(m):
    """a keyboard comes and goes while the shell runs; a key held then does not stay down"""
    for number, port in enumerate(("1", "2", "1"), 1):
        plug(m, number, "usb-kbd", port, f"k{number}")
        m.command(f"echo plugged {number}", f"plugged {number}\r\n")
        m.keys(("x", True))
        m.expect(b"x")
        unplug(m, f"k{number}")
        m.text = b""
        if m.read(1.5):
            raise ValueError(f"the key repeats without its keyboard: {m.text!r}")
        m.keys(("x", False))  # on the keyboard that is left: the next one starts anew
        m.tap("ctrl-c")
        m.expect(PROMPT)
    plug(m, 4, "usb-kbd", "3", "last")
    m.command("echo last", "last\r\n")


def hub_leaves(m):
    """a hub is pulled with its keyboard; no memory stays behind"""
    plug(m, 1, "usb-kbd", "1", "first")
    for number in range(2, 5):
        m.ask("device_add", driver="usb-hub", bus="usb.0", port="2", id="hub")
        m.expect(b"usb: hub")
        plug(m, number, "usb-kbd", "2.3", "behind")
        m.command(f"echo behind {number}", f"behind {number}\r\n")
        unplug(m, "hub")
    m.command("grep usb_device /proc/slabinfo", "usb_device             1 ")


def off(m):
    """noxhci leaves the controllers alone"""
    if b"usb:" in m.seen:
        raise ValueError("the switch did nothing")


def bare(m):
    """no controller at all: not a word of USB"""
    off(m)


HUBS = devices("usb-hub,bus=usb.0,port=1", "usb-hub,bus=usb.0,port=1.8",
               "usb-hub,bus=usb.0,port=1.8.2")
CASES = {
    "qemu-xhci": (types, {"keyboard": XHCI + devices("usb-kbd")}),
    "nec-usb-xhci": (types, {"keyboard": devices("nec-usb-xhci", "usb-kbd")}),
    "pc": (types, {"machine": "pc", "keyboard": XHCI + devices("usb-kbd")}),
    "without 8042": (types, {"machine": "q35,i8042=off",
                             "keyboard": XHCI + devices("usb-kbd")}),
    "hub": (types, {"keyboard": XHCI + devices("usb-hub,bus=usb.0,port=1",
                                               "usb-kbd,bus=usb.0,port=1.3")}),
    "three hubs": (types, {"keyboard": XHCI + HUBS +
                           devices("usb-kbd,bus=usb.0,port=1.8.2.7")}),
    "among others": (types, {"keyboard": XHCI + devices(
        "usb-mouse,port=1", "usb-tablet,port=2", "usb-hub,port=3", "usb-mouse,port=3.1",
        "usb-kbd,port=3.2")}),
    "several controllers": (types, {"keyboard": XHCI + devices(
        "nec-usb-xhci,id=second", "qemu-xhci,id=third", "usb-mouse,bus=usb.0",
        "usb-kbd,bus=third.0")}),
    "high memory": (types, {"keyboard": XHCI + devices("usb-kbd"),
                            "more": ("-m", "6G")}),
    "plugged later": (replugged, {"keyboard": XHCI}),
    "hub unplugged": (hub_leaves, {"keyboard": XHCI}),
    "noxhci": (off, {"keyboard": XHCI + devices("usb-kbd"), "cmdline": "noxhci"}),
    "no controller": (bare, {}),
}


def verdict(build, name, log):
    return judge(*CASES[name], build, log)
