#!/usr/bin/env python3
"""A worker in another language, written from docs/protocol.md alone: what that lacks, this can't do.

It serves the functions below in a cluster whose driver is a Go program, and needs nothing but Python itself. It keeps to
small values: one that is larger than 64 KiB would have to be sealed by its BLAKE3 hash, which Python lacks.
"""
import os
import socket
import struct
import threading
import time

MAJOR, MINOR = 1, 0
MOST = 8 << 20  # bytes of a frame


# Bytes


class Reader:
    """Reads the fields of a message one after the other."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, n):
        if n > len(self.data) - self.at:
            raise ValueError(f"{n} bytes announced, {len(self.data) - self.at} left")
        self.at += n
        return self.data[self.at - n : self.at]

    def u8(self):
        return self.raw(1)[0]

    def u32(self):
        return struct.unpack("<I", self.raw(4))[0]

    def n(self):
        value = shift = 0
        while True:
            b = self.u8()
            value |= (b & 0x7F) << shift
            if b < 0x80:
                break
            shift += 7
        if value >= 1 << 64:
            raise ValueError("a number is beyond 64 bits")
        return value

    def bytes(self):
        return self.raw(self.n())

    def text(self):
        return self.bytes().decode("utf-8", "replace")

    def ref(self):
        return self.raw(self.u8())

    def list(self, read):
        count = self.n()
        if count > len(self.data) - self.at:
            raise ValueError("a list is longer than what is left")
        return [read() for _ in range(count)]

    def left(self):
        return len(self.data) - self.at


def n(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def blob(data):
    return n(len(data)) + data


def text(s):
    return blob(s.encode())


def list_of(items):
    return n(len(items)) + b"".join(items)


def ref(id):
    return bytes([len(id)]) + id


# Values: CBOR


class Ref:
    """The value of a task, by its id."""

    def __init__(self, id):
        self.id = id


TAG_REF, TAG_ERROR = 0x6D726566, 0x6D657272
TYPED = {72: "b", 77: "h", 78: "i", 79: "q", 69: "H", 70: "I", 71: "Q", 85: "f", 86: "d"}


def head(major, value):
    for size, code, form in ((24, None, None), (1 << 8, 24, ">B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I"), (1 << 64, 27, ">Q")):
        if value < size:
            if code is None:
                return bytes([major << 5 | value])
            return bytes([major << 5 | code]) + struct.pack(form, value)
    raise OverflowError(value)


def encode(v):
    if v is None or v is True or v is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[v]
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, float):
        return encode_float(v)
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, (bytes, bytearray)):
        return head(2, len(v)) + bytes(v)
    if isinstance(v, Ref):
        return head(6, TAG_REF) + encode(v.id)
    if isinstance(v, (list, tuple)):
        if v and all(type(x) is int for x in v):  # []int and the like
            return head(6, 79) + encode(struct.pack(f"<{len(v)}q", *v))
        return head(4, len(v)) + b"".join(map(encode, v))
    if isinstance(v, dict):
        pairs = sorted((encode(k), encode(x)) for k, x in v.items())
        return head(5, len(pairs)) + b"".join(k + x for k, x in pairs)
    raise TypeError(type(v))


def encode_float(v):
    if v != v:
        return b"\xf9\x7e\x00"
    for form, first in ((">e", 0xF9), (">f", 0xFA)):
        try:
            data = struct.pack(form, v)
        except OverflowError:
            continue
        if struct.unpack(form, data)[0] == v:
            return bytes([first]) + data
    return b"\xfb" + struct.pack(">d", v)


def decode(data):
    r = Reader(data)
    v = decode_item(r)
    if r.left():
        raise ValueError("bytes are left over")
    return v


def decode_item(r):
    first = r.u8()
    major, info = first >> 5, first & 0x1F
    if major == 7:
        return decode_simple(r, info)
    if info < 24:
        value = info
    elif info < 28:
        value = int.from_bytes(r.raw(1 << (info - 24)), "big")
    else:
        raise ValueError("an indefinite length")
    if major == 0:
        return value
    if major == 1:
        return -1 - value
    if major == 2:
        return bytes(r.raw(value))
    if major == 3:
        return r.raw(value).decode()
    if major == 4:
        return [decode_item(r) for _ in range(value)]
    if major == 5:
        return {decode_item(r): decode_item(r) for _ in range(value)}
    inner = decode_item(r)
    if value in TYPED:
        size = struct.calcsize(TYPED[value])
        return list(struct.unpack(f"<{len(inner) // size}{TYPED[value]}", inner))
    if value == TAG_REF:
        return Ref(inner)
    if value == TAG_ERROR:
        return RuntimeError(inner[0])
    return inner


def decode_simple(r, info):
    if info in (20, 21, 22):
        return {20: False, 21: True, 22: None}[info]
    form = {25: ">e", 26: ">f", 27: ">d"}[info]
    return struct.unpack(form, r.raw(struct.calcsize(form)))[0]


def error(message, wraps=b"\xf6"):
    return head(6, TAG_ERROR) + head(4, 5) + encode(message[:10000]) + b"\xf6\xf6\xf6" + wraps


def known(message, name):
    return head(6, TAG_ERROR) + head(4, 5) + encode(message) + encode(name) + b"\xf6\xf6\xf6"


CANCELED = known("context canceled", "context.Canceled")
EXPIRED = known("context deadline exceeded", "context.DeadlineExceeded")

INLINE, OBJECT, LIST, ELEMENT, FAILURE = 1, 2, 3, 4, 5


def inline(data):
    return bytes([INLINE]) + blob(data)


def failure(data):
    return bytes([FAILURE]) + blob(data)


class Failed(Exception):
    """A value that is an error; its encoding is the argument."""


def read_value(r, depth=64):
    """Reads a Value, as what decode makes of it, without the bytes of objects: those are read when the value is used."""
    if depth == 0:
        raise ValueError("values stand in each other too deep")
    form = r.u8()
    if form == INLINE:
        return form, r.bytes()
    if form == OBJECT:
        id, _, _ = r.text(), r.n(), r.text()
        return form, id
    if form == LIST:
        return form, r.list(lambda: read_value(r, depth - 1))
    if form == ELEMENT:
        index, count = r.n(), r.n()
        return form, (index, count, read_value(r, depth - 1))
    if form == FAILURE:
        return form, r.bytes()
    raise ValueError(f"form {form}")


def open_value(value):
    form, what = value
    if form == INLINE:
        return decode(what)
    if form == OBJECT:
        with open("objects/" + what, "rb") as f:
            return decode(f.read())
    if form == LIST:
        return [open_value(v) for v in what]
    if form == ELEMENT:
        index, count, of = what
        whole = open_value(of)
        if len(whole) != count:
            raise RuntimeError(f"{len(whole)} elements, not {count}")
        return whole[index]
    raise Failed(what)


# Tasks

ITEMS, USUAL = 8, 16
SUCCEEDED, FAILED, CANCELLED = 1, 2, 3


class Task:
    def __init__(self, r, changed):
        self.changed = changed
        self.id, self.attempt = r.n(), r.n()
        self.key, self.function, self.flags = r.raw(16), r.n(), r.u8()
        self.deps = {}
        first, timeout, deadline = None, 0, 0
        if not self.flags & USUAL:
            for _ in range(4):
                r.n()
            r.list(lambda: (r.text(), r.n()))
            timeout, deadline = r.n() / 1e9, r.n() / 1e9
            pairs = r.list(lambda: (r.raw(16), read_value(r)))
            self.deps = {bytes(k): v for k, v in pairs}
            first = pairs[0][1] if pairs else None
        data = r.bytes()
        self.argument = (INLINE, data) if data else first
        self.calls = 0
        self.stopped, self.expired = threading.Event(), False
        self.settled = {}
        self.left, self.since, self.timers = timeout, 0, []
        self.deadline = deadline > 0
        if deadline:
            self.timer(deadline)

    def stop(self, expired):
        with self.changed:
            if not self.stopped.is_set():
                self.expired = expired
                self.stopped.set()
            self.changed.notify_all()

    def timer(self, seconds):
        t = threading.Timer(seconds, self.stop, [True])
        t.daemon = True
        t.start()
        self.timers.append(t)
        return t

    def go_on(self):
        """Its timeout counts from here."""
        if self.left:
            self.since, self.counting = time.monotonic(), self.timer(self.left)

    def pause(self):
        if self.left:
            self.counting.cancel()
            self.left = max(1e-9, self.left - (time.monotonic() - self.since))

    def wire(self):
        return n(self.id) + n(self.attempt)


class Worker:
    def __init__(self, sock, functions):
        self.sock, self.functions = sock, functions
        self.writing = threading.Lock()
        self.changed = threading.Condition()
        self.tasks, self.names = {}, []

    def send(self, kind, body=b""):
        with self.writing:
            self.sock.sendall(struct.pack("<IB", len(body) + 1, kind) + body)

    def frame(self):
        size = struct.unpack("<I", self.receive(4))[0]
        if not 1 <= size <= MOST:
            raise ValueError(f"a frame of {size} bytes")
        data = self.receive(size)
        return data[0], Reader(data[1:])

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def run(self):
        self.send(1, bytes([MAJOR, MINOR]) + n(os.getpid()) + list_of([text(f) for f in self.functions]))
        kind, r = self.frame()
        while kind != 64:  # kinds that aren't known are passed over
            kind, r = self.frame()
        major, minor = r.u8(), r.u8()
        if major not in (MAJOR, MAJOR - 1):
            raise SystemExit(f"the agent speaks version {major}.{minor} of the protocol, and this worker {MAJOR}.{MINOR}")
        r.text(), r.text()
        self.names = r.list(r.text)
        while True:
            kind, r = self.frame()
            if kind == 65:
                self.start(r)
            elif kind == 66:
                self.down(r)
            elif kind == 67:
                self.send(5)
            elif kind == 68:
                return

    def start(self, r):
        if r.u8() != 2:
            raise ValueError("no batch")
        r.u32(), r.n()
        for t in r.list(lambda: Task(r, self.changed)):
            self.tasks[t.id, t.attempt] = t
            threading.Thread(target=self.do, args=[t], daemon=True).start()

    def down(self, r):
        if r.u8() != 5:
            raise ValueError("not down")
        r.u32()
        for kind, body in r.list(lambda: (r.u8(), r.bytes())):
            fields = Reader(body)
            if kind not in (64, 65):
                continue
            t = self.tasks.get((fields.n(), fields.n()))
            if t is None:
                continue
            with self.changed:
                if kind == 64:
                    id = bytes(fields.ref())
                    t.settled[id] = read_value(fields)
                else:
                    t.stop(fields.u8() == 1)
                self.changed.notify_all()

    def items(self, *items):
        up = bytes([4]) + struct.pack("<I", 0) + text("")
        self.send(3, up + list_of([bytes([kind]) + blob(body) for kind, body in items]))

    def call(self, t, name, argument):
        """Starts a task, and gives its Ref."""
        t.calls += 1
        body = t.wire() + n(t.calls) + bytes([1, 0]) + n(self.names.index(name)) + n(0) * 4
        self.items((4, body + list_of([]) + blob(encode(argument))))
        return Ref(struct.pack("<QIQ", t.id, t.attempt, t.calls))

    def get(self, t, what):
        """Waits for the value of a Ref."""
        if what.id in t.deps:
            return open_value(t.deps[what.id])
        if what.id not in t.settled:
            t.pause()
            self.items((5, t.wire() + ref(what.id) + b"\x01"), (7, t.wire() + bytes([1, t.deadline])))
            with self.changed:
                self.changed.wait_for(lambda: what.id in t.settled or t.stopped.is_set())
            self.items((7, t.wire() + bytes([0, 0])))
            t.go_on()
        if what.id not in t.settled:
            raise InterruptedError
        return open_value(t.settled[what.id])

    def do(self, t):
        began = time.monotonic_ns()
        t.go_on()
        try:
            status, value = SUCCEEDED, self.apply(t)
        except Exception as e:
            status, value = FAILED, failed(e)
        if t.stopped.is_set():
            status = FAILED if t.expired else CANCELLED
            value = failure(EXPIRED if t.expired else CANCELED)
        for timer in t.timers:
            timer.cancel()
        outcome = t.wire() + t.key + bytes([status]) + n(time.monotonic_ns() - began) + value + list_of([])
        del self.tasks[t.id, t.attempt]
        self.send(2, bytes([3]) + struct.pack("<I", 0) + text("") + list_of([outcome]))

    def apply(self, t):
        name = self.names[t.function]
        if name not in self.functions:
            raise LookupError(f"this worker has no function {name}")
        f, argument = self.functions[name], open_value(t.argument)
        if not t.flags & ITEMS:
            return inline(encode(f(self, t, argument)))
        parts, well = [], True
        for item in argument:
            try:
                parts.append((INLINE, f(self, t, item)))
            except Exception as e:
                parts.append((FAILURE, e))
                well = False
        if well:
            return inline(encode([v for _, v in parts]))
        return bytes([LIST]) + list_of([failed(v) if form == FAILURE else inline(encode(v)) for form, v in parts])


def failed(e):
    return failure(e.args[0] if isinstance(e, Failed) else error(str(e)))


# The functions: each gets the worker, the task and the argument.


def square(w, t, x):
    return x * x


def greet(w, t, who):
    return {"Text": f"hello {who['Name']}" + "!" * who["N"], "Half": who["N"] / 2, "Data": who["Data"][::-1], "None": None}


def refuse(w, t, x):
    if x % 2:
        raise RuntimeError(f"{x} is odd")
    return x


def length(w, t, data):
    return len(data)


def fan(w, t, count):
    w.send(4, t.wire() + text(f"fanning out {count}"))
    refs = [w.call(t, "py.square", i) for i in range(count)]
    return sum(w.get(t, r) for r in refs)


def wait(w, t, x):
    t.stopped.wait()
    return x


def main():
    sock = socket.socket(fileno=int(os.environ.pop("MUSTER_WORKER")))
    functions = {"py.square": square, "py.greet": greet, "py.refuse": refuse, "py.fan": fan, "py.wait": wait, "py.length": length}
    try:
        Worker(sock, functions).run()
    except EOFError:
        pass  # the agent is gone
    os._exit(0)  # without waiting for what runs


main()
