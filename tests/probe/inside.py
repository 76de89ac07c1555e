"""Runs inside a sandbox, as code of a package does: answers each question with what came of the attempt.

Nothing of wheelhouse is importable here. The first argument is JSON: places of the host that must not be reached, and the numbers of
system calls. The second one names a kind of memory to fill instead. stdout has the answers as JSON: `no: EPERM`, `yes`.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
REQUEST = json.loads(sys.argv[1])
NUMBERS = REQUEST["numbers"]
WORK = os.getcwd()
NEWUSER, NEWNS = 0x10000000, 0x20000
QUESTIONS = []
"""Group, question, and the function that tries it."""


def ask(group, question):
    """Register a function: it fails with OSError or returns False if the answer is no."""

    def register(function):
        QUESTIONS.append((group, question, function))
        return function

    return register


def call(name, *arguments):
    """A system call by its name. Raises OSError."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(NUMBERS[name]), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return True


def write(path, text=""):
    with open(path, "w") as file:
        file.write(text)
    return True


def in_child(function):
    """The outcome of a function in a child process, which may be killed by it."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if function() else 1)
        except OSError as error:
            os._exit(min(error.errno or 1, 120))
        finally:
            os._exit(121)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        raise OSError(errno.EPERM, "", signal.Signals(os.WTERMSIG(status)).name)
    if os.WEXITSTATUS(status):
        raise OSError(os.WEXITSTATUS(status), "")
    return True


# Files

ask("files", "see a file of the host")(lambda: os.path.exists(REQUEST["canary"]))
ask("files", "see a file of the user's home")(lambda: any(map(os.path.exists, REQUEST["home"])))
ask("files", "see the host by /proc/1/root")(lambda: os.path.exists("/proc/1/root" + REQUEST["canary"]))
ask("files", "read /etc/shadow")(lambda: open("/etc/shadow").close() is None)
ask("files", "see /sys, /run or /var")(
    lambda: any(os.path.exists(path) for path in ("/sys/kernel", "/run", "/var/lib"))
)
for _path in ("/", "/usr", "/etc", "/dev", "/wheelhouse", REQUEST["prefix"]):
    ask("files", "write to " + ("the interpreter" if _path == REQUEST["prefix"] else _path))(
        lambda path=_path: write(os.path.join(path, "probe"))
    )
ask("files", "write to its work folder")(lambda: write(WORK + "/probe"))
ask("files", "write more than the limit of disk")(lambda: in_child(lambda: fill_files(REQUEST["disk"] + (8 << 20))))
ask("files", "make a device")(lambda: os.mknod(WORK + "/device", 0o60600, os.makedev(8, 0)) is None)
ask("files", "open the kernel's memory or log")(
    lambda: any(open(p, "rb").read(1) for p in ("/proc/kcore", "/dev/kmsg"))
)
ask("files", "set a value of /proc/sys")(lambda: write("/proc/sys/kernel/hostname", "probe"))
ask("files", "open a file by its handle")(lambda: call("open_by_handle_at", -100, ctypes.create_string_buffer(64), 0))

# Processes


@ask("processes", "see a process of the host")
def _():
    lines = [open("/proc/%s/cmdline" % pid, "rb").read().split(b"\0") for pid in os.listdir("/proc") if pid.isdigit()]
    return any(REQUEST["marker"].encode() in line for line in lines)


ask("processes", "signal a process of the host")(lambda: os.kill(REQUEST["pid"], 0) is None)
ask("processes", "open the runner's descriptors")(lambda: os.listdir("/proc/%d/fd" % os.getppid()))
ask("processes", "read the runner's memory")(lambda: open("/proc/%d/mem" % os.getppid(), "rb").close() is None)
ask("processes", "trace a process (ptrace)")(lambda: call("ptrace", 16, os.getppid(), 0, 0))
ask("processes", "read another process (process_vm_readv)")(
    lambda: call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0)
)
ask("processes", "take a descriptor (pidfd_getfd)")(lambda: call("pidfd_getfd", 0, 0, 0))
ask("processes", "compare kernel objects (kcmp)")(lambda: call("kcmp", os.getpid(), os.getppid(), 0, 0, 0))
ask("processes", "become root")(lambda: os.setresuid(0, 0, 0) is None)


def status(field):
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith(field + ":"))


ask("processes", "have a capability, now or by a program")(
    lambda: (
        any(int(status(field), 16) for field in ("CapEff", "CapPrm", "CapBnd", "CapAmb")) or status("NoNewPrivs") != "1"
    )
)
ask("processes", "raise a limit")(lambda: resource.setrlimit(resource.RLIMIT_NPROC, (99999, 99999)) is None)
ask("processes", "be spared when memory runs out")(lambda: write("/proc/self/oom_score_adj", "-1000"))
ask("processes", "take real-time priority")(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) is None)
ask("processes", "start processes and threads at all")(lambda: in_child(start_thread))
ask("processes", "start more processes than the limit")(lambda: in_child(start_too_many))


def start_too_many():
    """Start processes until one more is refused."""
    made = []
    try:
        for _ in range(REQUEST["processes"] + 24):
            made.append(os.fork())
            if made[-1] == 0:
                time.sleep(30)
                os._exit(0)
        return True
    finally:
        for pid in made:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def start_thread():
    import threading

    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return True


ask("processes", "call by x86's other ABIs (i386, x32)")(lambda: in_child(other_abi))


def other_abi():
    """getpid by `int 0x80`, or by x32's number."""
    if os.uname().machine != "x86_64":
        return False
    if libc.syscall(ctypes.c_long(0x40000000 | 39)) > 0:
        return True
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0


# Keys

ask("keys", "read the session keyring")(lambda: call("keyctl", 11, -3, ctypes.create_string_buffer(64), 64))
ask("keys", "read the user's keyring")(lambda: call("keyctl", 11, -4, ctypes.create_string_buffer(64), 64))
ask("keys", "add a key")(lambda: call("add_key", b"user", b"probe", b"x", 1, -3))
ask("keys", "request a key")(lambda: call("request_key", b"user", b"probe", None, -3))
ask("keys", "see a key of the host in /proc/keys")(lambda: "wheelhouse-probe" in open("/proc/keys").read())

# Namespaces and mounts

ask("namespaces", "make a user namespace (unshare)")(lambda: in_child(lambda: call("unshare", NEWUSER)))
ask("namespaces", "make a user namespace (clone)")(lambda: in_child(lambda: call("clone", NEWUSER | 17, 0, 0, 0, 0)))
ask("namespaces", "make a namespace by clone3")(
    lambda: in_child(
        lambda: call("clone3", ctypes.create_string_buffer(struct.pack("<QQQQQ", NEWUSER, 0, 0, 0, 17) + bytes(48)), 88)
    )
)
ask("namespaces", "make a mount namespace")(lambda: in_child(lambda: call("unshare", NEWNS)))
ask("namespaces", "enter another namespace (setns)")(
    lambda: in_child(lambda: call("setns", os.open("/proc/1/ns/net", os.O_RDONLY), 0))
)
ask("namespaces", "mount a tmpfs")(lambda: call("mount", b"none", WORK.encode(), b"tmpfs", 0, None))
ask("namespaces", "mount by the new calls (fsopen)")(lambda: call("fsopen", b"tmpfs", 0))
ask("namespaces", "unmount something")(lambda: call("umount2", b"/proc", 2))
ask("namespaces", "change its root (pivot_root, chroot)")(lambda: os.chroot(WORK) is None)

# The kernel

ask("kernel", "use io_uring")(lambda: call("io_uring_setup", 1, ctypes.create_string_buffer(256)))
ask("kernel", "use bpf")(
    lambda: call("bpf", 0, ctypes.create_string_buffer(struct.pack("<IIII", 1, 4, 4, 1) + bytes(112)), 128)
)
ask("kernel", "count events (perf_event_open)")(
    lambda: call(
        "perf_event_open", ctypes.create_string_buffer(struct.pack("<IIQ", 1, 128, 0) + bytes(112)), 0, -1, -1, 0
    )
)
ask("kernel", "handle page faults (userfaultfd)")(lambda: call("userfaultfd", 1))
ask("kernel", "watch a file system (fanotify)")(lambda: call("fanotify_init", 0x200, 0))
ask("kernel", "load a module or another kernel")(
    lambda: in_child(lambda: call("kexec_load", 0, 0, 0, 0) or call("init_module", 0, 0, b""))
)
ask("kernel", "reboot, or swap to a file")(lambda: call("swapoff", b"/nowhere"))
ask("kernel", "set the clock")(lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()) is None)
ask("kernel", "set the host's name")(lambda: socket.sethostname("probe") is None)

# Sockets


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.settimeout(2)
        made.connect(address)
    return True


ask("sockets", "reach a server of the host on 127.0.0.1")(
    lambda: connect(socket.AF_INET, ("127.0.0.1", REQUEST["port"]))
)
ask("sockets", "reach another machine by IPv4")(lambda: connect(socket.AF_INET, ("192.0.2.1", 80)))
ask("sockets", "reach another machine by IPv6")(lambda: connect(socket.AF_INET6, ("2001:db8::1", 80)))
ask("sockets", "reach an abstract UNIX socket of the host")(lambda: connect(socket.AF_UNIX, "\0" + REQUEST["abstract"]))
ask("sockets", "reach a UNIX socket file of the host")(lambda: connect(socket.AF_UNIX, REQUEST["socket"]))
ask("sockets", "see the host's network devices")(lambda: [name for _, name in socket.if_nameindex() if name != "lo"])


@ask("sockets", "talk to itself on 127.0.0.1")
def _():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return connect(socket.AF_INET, server.getsockname())


for _name, _family, _kind in (
    ("AF_PACKET", 17, socket.SOCK_RAW),
    ("AF_ALG", 38, socket.SOCK_SEQPACKET),
    ("AF_VSOCK", 40, socket.SOCK_STREAM),
    ("AF_XDP", 44, socket.SOCK_RAW),
    ("AF_BLUETOOTH", 31, socket.SOCK_RAW),
    ("AF_KEY", 15, socket.SOCK_RAW),
):
    ask("sockets", "make a socket of " + _name)(
        lambda family=_family, kind=_kind: socket.socket(family, kind).close() is None
    )
ask("sockets", "send raw packets")(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close() is None)

# Memory: each kind is filled in a sandbox of its own, to twice the limit


def fill_private(size):
    return [bytearray(os.urandom(1 << 10) * (1 << 10)) for _ in range(size >> 20)]


def fill_shared(size):
    held = []
    for _ in range(size >> 23):
        held.append(mmap.mmap(-1, 8 << 20))
        held[-1].write(b"x" * (8 << 20))
    return held


def fill_memfd(size):
    descriptor = libc.syscall(ctypes.c_long(NUMBERS["memfd_create"]), b"probe", ctypes.c_long(0))
    for _ in range(size >> 20):
        os.write(descriptor, b"x" * (1 << 20))
    return descriptor


def fill_files(size, path=WORK + "/big"):
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(b"x" * (1 << 20))
    return True


def fill_in_processes(count, function):
    """Run a function in several processes that stay; return when all have ended it, or have been killed."""
    read_end, write_end = os.pipe()
    for _ in range(count):
        if os.fork() == 0:
            os.close(read_end)
            held = function()
            os.close(write_end)
            time.sleep(30)
            os._exit(0 if held else 1)
    os.close(write_end)
    return os.read(read_end, 1) == b""


def fill_processes(size):
    """Sixteen processes, each with a sixteenth."""
    return fill_in_processes(16, lambda: fill_private(size >> 4))


def fill_shm(size):
    return call("shmget", 0, size, 0o1600)


def fill_sockets(size):
    """The buffers of socket pairs, in several processes, because each has a limit of open files."""
    return fill_in_processes(8, lambda: [full_pair() for _ in range(size >> 21)])


def full_pair():
    """Two connected sockets whose buffers are full."""
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(False)
        try:
            while True:
                end.send(b"x" * 65536)
        except OSError:
            pass
    return pair


def fill_secret(size):
    return call("memfd_secret", 0)


FILLS = {
    "private mappings": fill_private,
    "shared mappings": fill_shared,
    "memfd files": fill_memfd,
    "files in the work folder": fill_files,
    "files in /dev/shm": lambda size: fill_files(size, "/dev/shm/big"),
    "many processes together": fill_processes,
    "System V shared memory": fill_shm,
    "secret memory (memfd_secret)": fill_secret,
    "socket buffers": fill_sockets,
}


def attempt(function):
    """`yes`, or `no` with the error."""
    try:
        return "yes" if function() else "no"
    except ValueError:  # setrlimit's answer to EPERM
        return "no: EPERM"
    except (OSError, MemoryError) as error:
        code = getattr(error, "errno", None)
        name = (
            getattr(error, "filename", None)
            if code == errno.EPERM and isinstance(getattr(error, "filename", None), str)
            else None
        )
        return "no: " + (name if name and name.startswith("SIG") else errno.errorcode.get(code, "MemoryError"))


def main():
    """Answer all questions, or fill one kind of memory and wait to be stopped."""
    if len(sys.argv) > 2:
        answer = attempt(lambda: FILLS[sys.argv[2]](REQUEST["fill"]))
        time.sleep(4 if answer == "yes" else 0)
        print(json.dumps(answer))
        return
    print(json.dumps([[group, question, attempt(function)] for group, question, function in QUESTIONS]))


if __name__ == "__main__":
    main()
