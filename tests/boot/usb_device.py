# SPDX-License-Identifier: MIT
#
# A USB device made of Python, plugged into QEMU's usb-redir by the USB redirection protocol
# (version 0.7, usbredir's documentation): it answers what it is told to answer, so also what
# no honest device would. One thread per device serves QEMU; what a test does with it may
# come from another.
import os
import socket
import struct
import tempfile
import threading

HELLO, CONNECT, DISCONNECT, RESET, INTERFACES, ENDPOINTS = range(6)
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION_STATUS = 6, 7, 8
START_INTERRUPT, STOP_INTERRUPT, INTERRUPT_STATUS = 15, 16, 17
CONTROL, INTERRUPT = 100, 103
SUCCESS, IO_ERROR, STALL, BABBLE = 0, 3, 4, 6
LOW, FULL, HIGH = 0, 1, 2

# What QEMU's xHCI wants: versioned connections, packet sizes of endpoints, 64-bit identities
# of packets, 32-bit lengths.
CAPABILITIES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6
INTERRUPT_TYPE, NO_TYPE = 3, 255


def device_descriptor(packet0=8, device_class=0):
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, device_class, 0, 0, packet0, 0x1209,
                       0x7e55, 0x100, 0, 0, 0, 1)


def configuration(interface_class=(3, 1, 1), endpoint=0x81, packet=8, interval=4):
    """One interface with one endpoint."""
    rest = bytes([9, 4, 0, 0, 1, *interface_class, 0])
    if interface_class[0] == 3:
        rest += bytes([9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0])
    rest += struct.pack("<BBBBHB", 7, 5, endpoint, 3, packet, interval)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(rest), 1, 1, 0, 0xa0, 50) + rest


class Device:
    """`answer(request type, request, value, index, length)` gives the bytes of a control
    transfer, a status that is not SUCCESS, or None: no answer ever."""

    def __init__(self, answer, speed=FULL):
        self.answer, self.speed = answer, speed
        self.work = tempfile.TemporaryDirectory(prefix="tessera-usb-")
        self.path = os.path.join(self.work.name, "device")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.peer = None
        self.lock = threading.Lock()
        self.reading = threading.Event()  # the guest asks for reports
        self.requests = []  # of control transfers: (type, request, value)
        self.identity = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def arguments(self, port):
        return ("-chardev", f"socket,id=redir{port},path={self.path}",
                "-device", f"usb-redir,chardev=redir{port},bus=usb.0,port={port},id=made{port}")

    def close(self):
        self.listener.close()
        if self.peer:
            self.peer.close()
        self.work.cleanup()

    def send(self, kind, identity, payload):
        head = struct.pack("<II", kind, len(payload))
        head += struct.pack("<I" if kind == HELLO else "<Q", identity)
        try:
            with self.lock:
                self.peer.sendall(head + payload)
        except OSError:
            pass  # QEMU is gone

    def report(self, data, status=SUCCESS):
        """Brings a report to the guest."""
        self.identity += 1
        self.send(INTERRUPT, self.identity,
                  struct.pack("<BBH", 0x81, status, len(data)) + data)

    def plug(self):
        self.reading.clear()
        classes = bytes([3]) + bytes(31)
        self.send(INTERFACES, 0, struct.pack("<I", 1) + bytes(32) + classes + bytes(64))
        types = bytearray([NO_TYPE] * 32)
        types[0] = types[16] = 0  # control
        types[17] = INTERRUPT_TYPE
        self.send(ENDPOINTS, 0, bytes(types) + bytes([4] * 32) + bytes(32) +
                  struct.pack("<32H", *[8] * 32))
        self.send(CONNECT, 0, struct.pack("<BBBBHHH", self.speed, 0, 0, 0, 0x1209, 0x7e55,
                                          0x100))

    def unplug(self):
        self.send(DISCONNECT, 0, b"")

    def receive(self, nbytes):
        data = b""
        while len(data) < nbytes:
            part = self.peer.recv(nbytes - len(data))
            if not part:
                raise OSError("QEMU is gone")
            data += part
        return data

    def serve(self):
        try:
            self.peer, _ = self.listener.accept()
            self.send(HELLO, 0, b"tessera".ljust(64, b"\0") +
                      struct.pack("<I", CAPABILITIES))
            kind, length, _ = struct.unpack("<III", self.receive(12))
            self.receive(length)
            self.plug()
            while True:
                kind, length, identity = struct.unpack("<IIQ", self.receive(16))
                self.handle(kind, identity, self.receive(length))
        except OSError:
            pass

    def handle(self, kind, identity, payload):
        if kind == CONTROL:
            self.control(identity, payload)
        elif kind == SET_CONFIGURATION:
            self.send(CONFIGURATION_STATUS, identity, bytes([SUCCESS, payload[0]]))
        elif kind == START_INTERRUPT:
            self.send(INTERRUPT_STATUS, identity, bytes([SUCCESS, payload[0]]))
            self.reading.set()
        elif kind == STOP_INTERRUPT:
            self.send(INTERRUPT_STATUS, identity, bytes([SUCCESS, payload[0]]))
            self.reading.clear()
        elif kind == RESET:
            self.reading.clear()

    def control(self, identity, payload):
        endpoint, request, kind, _, value, index, length = \
            struct.unpack("<BBBBHHH", payload[:10])
        self.requests.append((kind, request, value))
        answer = self.answer(kind, request, value, index, length)
        if answer is None:
            return
        status = SUCCESS
        if isinstance(answer, int):
            status, answer = answer, b""
        answer = answer[:length] if kind & 0x80 else b""
        if not kind & 0x80 and status == SUCCESS:
            sent = length
        else:
            sent = len(answer)
        self.send(CONTROL, identity,
                  struct.pack("<BBBBHHH", endpoint, request, kind, status, value, index,
                              sent) + answer)


def keyboard_answer(packet0=8, config=None, refuse=()):
    """The answers of a boot keyboard that refuses the requests in `refuse`."""
    def answer(kind, request, value, index, length):
        if request in refuse:
            return STALL
        if (kind, request) == (0x80, 6):
            return {1: device_descriptor(packet0),
                    2: config or configuration()}.get(value >> 8, STALL)
        return b""
    return answer
