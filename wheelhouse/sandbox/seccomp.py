"""The seccomp filter of the sandboxes: which system calls it refuses, and the program that does so (pure).

`assemble` makes the classic BPF program that `seccomp.bpf` holds: data, because neither the host's Python nor the target's may
have a binding to libseccomp. `tests/sandbox/test_seccomp.py` makes it again, compares, and runs it in a simulator.
Sources: seccomp(2), the kernel's `Documentation/userspace-api/seccomp_filter.rst`, and its tables of system calls.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97

REFUSED = (
    # Keys that outlive the sandbox: the session keyring belongs to no namespace.
    *("keyctl", "add_key", "request_key"),
    # Large parts of the kernel that no build needs, where most of its escapes were found.
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "perf_event_open", "bpf"),
    # The memory and the descriptors of other processes, such as the runner's.
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"),
    # Namespaces, with all capabilities in them. clone is refused by its flags.
    *("unshare", "setns"),
    # Mounts.
    *("mount", "umount2", "pivot_root", "open_tree", "move_mount", "fsopen", "fsmount", "fspick", "mount_setattr"),
    # The machine itself.
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff"),
    *("acct", "quotactl", "syslog", "open_by_handle_at", "fanotify_init"),
    # Memory that belongs to no process, so that it could only be counted by a cgroup.
    *("shmget", "memfd_secret"),
)
"""The system calls that answer EPERM."""
MISSING = ("clone3",)
"""The system calls that answer ENOSYS: a filter cannot read clone3's flags, and C libraries then use clone."""
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
"""The socket families that are allowed (socket(2)); all others answer EAFNOSUPPORT."""
NEW_NAMESPACES = 0x7E020000
"""clone's flags CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET (clone(2))."""

NUMBERS: Mapping[str, tuple[int, int]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
"""The number of each system call on x86_64 and on aarch64 (`asm/unistd_64.h`, `asm-generic/unistd.h`)."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A machine that the filter knows: its column in NUMBERS, and its AUDIT_ARCH value (`linux/audit.h`)."""

    column: int
    audit: int

    def number(self, name: str) -> int:
        """The number of a system call in `NUMBERS` on this machine."""
        return NUMBERS[name][self.column]


ARCHITECTURES = {"x86_64": Architecture(0, 0xC000003E), "aarch64": Architecture(1, 0xC00000B7)}
"""By the name that uname(2) gives the machine."""
X32 = 0x40000000
"""The bit that marks a call of x86_64's other ABI, x32: it has its own numbers."""

LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""The instructions of classic BPF that the filter uses: `ld [k]`, `jeq`, `jge`, `jset`, `ret` (`linux/bpf_common.h`)."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`, in bytes; the argument's lower half, on machines of little endian."""
KILL_PROCESS, ALLOW, ERRNO = 0x80000000, 0x7FFF0000, 0x00050000


@dataclass(frozen=True, slots=True)
class _Instruction:
    """One instruction. A jump goes to the label `then` if its condition holds, else to the next instruction."""

    code: int
    value: int
    then: str = ""
    label: str = ""


def assemble() -> bytes:
    """The filter: an array of `struct sock_filter` for all architectures. A call of any other architecture ends the process."""
    program = [_Instruction(LOAD, ARCHITECTURE)]
    program += [_Instruction(JUMP_IF_EQUAL, known.audit, name) for name, known in ARCHITECTURES.items()]
    program += [_Instruction(RETURN, KILL_PROCESS)]
    for name, known in ARCHITECTURES.items():
        program += _of_architecture(name, known)
    places = {instruction.label: place for place, instruction in enumerate(program) if instruction.label}
    return b"".join(_encoded(instruction, place, places) for place, instruction in enumerate(program))


def _of_architecture(name: str, known: Architecture) -> Iterator[_Instruction]:
    """The part for one architecture; its labels start with the architecture's name."""
    yield _Instruction(LOAD, NUMBER, label=name)
    if name == "x86_64":
        yield _Instruction(JUMP_IF_AT_LEAST, X32, f"{name} ENOSYS")
    yield _Instruction(JUMP_IF_EQUAL, known.number("clone"), f"{name} clone")
    for call in ("socket", "socketpair"):
        yield _Instruction(JUMP_IF_EQUAL, known.number(call), f"{name} socket")
    for call in REFUSED:
        yield _Instruction(JUMP_IF_EQUAL, known.number(call), f"{name} EPERM")
    for call in MISSING:
        yield _Instruction(JUMP_IF_EQUAL, known.number(call), f"{name} ENOSYS")
    yield _Instruction(RETURN, ALLOW, label=f"{name} allow")
    yield _Instruction(LOAD, FIRST_ARGUMENT, label=f"{name} clone")
    yield _Instruction(JUMP_IF_SET, NEW_NAMESPACES, f"{name} EPERM")
    yield _Instruction(RETURN, ALLOW)
    yield _Instruction(LOAD, FIRST_ARGUMENT, label=f"{name} socket")
    for family in FAMILIES.values():
        yield _Instruction(JUMP_IF_EQUAL, family, f"{name} socket allow")
    yield _Instruction(RETURN, ERRNO | EAFNOSUPPORT)
    yield _Instruction(RETURN, ALLOW, label=f"{name} socket allow")
    yield _Instruction(RETURN, ERRNO | EPERM, label=f"{name} EPERM")
    yield _Instruction(RETURN, ERRNO | ENOSYS, label=f"{name} ENOSYS")


def _encoded(instruction: _Instruction, place: int, places: Mapping[str, int]) -> bytes:
    """A `struct sock_filter`: code, how many instructions a jump skips if true and if false, value."""
    skipped = places[instruction.then] - place - 1 if instruction.then else 0
    return struct.pack("<HBBI", instruction.code, skipped, 0, instruction.value)
