# SPDX-License-Identifier: MIT
#
# USB devices that do not behave: each case plugs devices of usb_device.py into a machine
# that has an honest keyboard too; afterwards that one must type, and nothing of the others
# may be left in memory.
import random
import subprocess
import threading
import time

from keys import Machine
from usb_device import (BABBLE, HIGH, IO_ERROR, LOW, STALL, Device, configuration,
                        device_descriptor, keyboard_answer)
from usb_keys import ready

SEED = 20040401
UNUSABLE = b"device not usable"
ECHO = bytes([0x08, 0x06, 0x0b, 0x12])  # usages of e, c, h, o
ENTER = b"\x28"


def until(m, holds, what):
    """Reads the console until holds()."""
    end = time.monotonic() + 120
    while not holds():
        if time.monotonic() > end:
            raise ValueError(f"still waiting: {what}")
        m.read(0.1)


def press(d, usages):
    for usage in usages:
        d.report(bytes([0, 0, usage, 0, 0, 0, 0, 0]))
        d.report(bytes(8))


def types(m, d):
    """Every key of the made keyboard must arrive."""
    if not d.reading.wait(120):
        raise ValueError("the guest asks for no reports")
    m.text = b""
    press(d, ECHO + ENTER)
    m.expect(b"echo\r\n")
    m.expect(b"tessera:~# ")


def speeds(m, d):
    """every speed, and packet size of endpoint 0 at full speed"""
    count = 2
    types(m, d)
    for speed, packet0 in ((LOW, 8), (1, 16), (1, 32), (1, 64), (HIGH, 64)):
        d.unplug()
        m.expect(b"is gone")
        d.answer, d.speed = keyboard_answer(packet0), speed
        d.plug()
        count += 1
        ready(m, count)
        types(m, d)


def refuses(m, d):
    """a keyboard that refuses all requests of its class types"""
    d.unplug()
    d.answer = keyboard_answer(refuse=(9, 10, 11))
    d.plug()
    m.expect(b"1209:7e55 on")
    types(m, d)


def late(m, d):
    """each answer takes a third of a second"""
    honest, never = keyboard_answer(), threading.Event()

    def answer(*request):
        never.wait(0.3)
        return honest(*request)

    d.unplug()
    d.answer = answer
    d.plug()
    m.expect(b"1209:7e55 on")
    types(m, d)


def silent(m, d):
    """no answer at all, then errors only"""
    d.unplug()
    d.answer = lambda *_: None
    d.plug()
    m.expect(UNUSABLE, 180)
    for status in (STALL, IO_ERROR, BABBLE):
        d.unplug()
        d.answer = lambda *_, status=status: status
        d.plug()
        m.expect(UNUSABLE)


def lies(m, d):
    """descriptors that are short, long, of the wrong type or that do not end"""
    honest = configuration()
    lengths = [honest[:2] + bytes(n) + honest[4:] for n in
               ([0, 0], [8, 0], [9, 0], [33, 0], [0xff, 0xff])]
    configs = [b"", honest[:1], honest[:8], honest[:9], honest[:-1], bytes(64), b"\xff" * 64,
               honest[:9] + b"\0" + honest[10:], honest[:9] + b"\xff" + honest[10:],
               honest[:1] + b"\3" + honest[2:]] + lengths
    for config in configs:
        d.unplug()
        seen = threading.Event()

        def answer(kind, request, value, index, length, config=config, seen=seen):
            if (kind, request) != (0x80, 6):
                return b""
            if value >> 8 == 1:
                return device_descriptor()
            seen.set()
            return config

        d.answer = answer
        d.plug()
        if not seen.wait(120):
            raise ValueError(f"the configuration {config!r} was not asked for")
    for packet0 in (0, 7, 9, 255):
        d.unplug()
        d.answer = keyboard_answer(packet0)
        d.plug()
        m.expect(UNUSABLE)


def leaves(m, d):
    """unplugged in the middle of every request it is asked"""
    honest = keyboard_answer()
    for n in range(1, 8):
        d.unplug()
        gone, left = threading.Event(), [n]

        def answer(*request, gone=gone, left=left):
            left[0] -= 1
            if left[0] > 0:
                return honest(*request)
            d.unplug()
            gone.set()
            return None

        d.answer = answer
        d.plug()
        if not gone.wait(30):
            raise ValueError(f"there was no request {n}")
    d.answer = honest
    d.plug()
    m.expect(b"1209:7e55 on", 180)
    types(m, d)


def noise(m, d):
    """random bytes for an answer, sixteen times"""
    rng = random.Random(SEED)
    for _ in range(16):
        d.unplug()
        asked, lengths = threading.Event(), [0, 1, 8, 18, 64, 255, 1024]

        def answer(kind, request, value, index, length, asked=asked):
            asked.set()
            if rng.random() < 0.5:
                return keyboard_answer()(kind, request, value, index, length)
            return rng.choice([STALL, IO_ERROR, rng.randbytes(rng.choice(lengths))])

        d.answer = answer
        d.plug()
        if not asked.wait(30):
            raise ValueError("the device was not asked")
        for _ in range(20):
            d.report(rng.randbytes(rng.choice([0, 1, 2, 7, 8])))


def stalls(m, d):
    """reports that stall are asked for again; one that always stalls is given up"""
    types(m, d)
    for _ in range(3):
        before = len(d.requests)
        d.report(b"", STALL)
        until(m, lambda: (2, 1, 0) in d.requests[before:], "CLEAR_FEATURE of the halt")
        types(m, d)
    honest = d.answer
    d.answer = lambda kind, request, *rest: STALL if kind == 2 else honest(kind, request, *rest)
    d.report(b"", STALL)
    m.expect(b"given up")


def hub(m, d):
    """a hub of 255 ports, all always changing, then all connected to nothing"""
    changes = b"\x1f\x00"

    def answer(kind, request, value, index, length):
        if (kind, request) == (0x80, 6):
            return {1: device_descriptor(device_class=9),
                    2: configuration((9, 0, 0), packet=2)}.get(value >> 8, STALL)
        if (kind, request) == (0xa0, 6):
            return bytes([9, 0x29, 255, 0xff, 0xff, 1, 0, 0xff, 0xff])
        if (kind, request) == (0xa3, 0):
            return b"\x03\x01" + changes
        return b""

    d.unplug()
    d.answer = answer
    d.plug()
    m.expect(b"usb: hub 1209:7e55")
    for _ in range(20):
        d.report(b"\xff\xff")
    until(m, lambda: len(d.requests) > 100, "the ports are asked again and again")
    changes = b"\x10\x00"  # a reset ended, nothing else
    d.report(b"\xff\xff")
    m.expect(b"port 1: device not usable", 180)


CASES = {"speeds": speeds, "refuses": refuses, "late": late, "silent": silent,
         "lies": lies, "leaves": leaves, "noise": noise, "stalls": stalls, "hub": hub}


def run(case, build, log):
    device = Device(keyboard_answer())
    try:
        hardware = ("-device", "qemu-xhci,id=usb") + device.arguments(2) + \
            ("-device", "usb-kbd,bus=usb.0,port=1")
        with Machine(build, log, keyboard=hardware) as m:
            ready(m, 2)
            case(m, device)
            device.unplug()
            m.ask("device_del", id="made2")
            while m.read(1.5):
                pass
            m.text = b""
            m.tap("ctrl-c")
            m.expect(b"tessera:~# ")
            m.command("echo still here", "still here\r\n")
            m.command("grep usb_device /proc/slabinfo", "usb_device             1 ")
    finally:
        device.close()


def verdict(build, name, log):
    """None, or what was wrong."""
    try:
        run(CASES[name], build, log)
    except (ValueError, OSError, subprocess.SubprocessError) as e:
        return str(e).replace("\n", " ")
    return None
