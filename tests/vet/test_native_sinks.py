"""What brings machine code into the process, and what almost the same call does not do."""

from collections.abc import Mapping

from tests.support.foreign_code import wrongly_seen

LIBRARIES: Mapping[str, list[str]] = {
    "ctypes.CDLL('/tmp/a.so')": ["injects: loads `/tmp/a.so` as native code, from a folder that no install writes"],
    "ctypes.WinDLL('/tmp/a.so')": ["injects: loads `/tmp/a.so` as native code, from a folder that no install writes"],
    "ctypes.PyDLL('/tmp/a.so')": ["injects: loads `/tmp/a.so` as native code, from a folder that no install writes"],
    "ctypes.OleDLL('/tmp/a.so')": ["injects: loads `/tmp/a.so` as native code, from a folder that no install writes"],
    "ctypes.cdll.LoadLibrary(name='/tmp/a.so')": [
        "injects: loads `/tmp/a.so` as native code, from a folder that no install writes"
    ],
    "ctypes.CDLL('libc.so', '/tmp/a.so')": [],
    "ctypes.CDLL('/opt/tmp/a.so')": [],
    "ctypes.CDLL('/opt/a.png')": ["injects: loads `/opt/a.png` as native code"],
    "ctypes.CDLL('a.png.so')": [],
    "ctypes.CDLL(r'C:\\Users\\Public\\a.dll')": [
        "injects: loads `C:\\Users\\Public\\a.dll` as native code, from a folder that no install writes"
    ],
    "ctypes.CDLL(r'C:\\Windows\\Temp\\a.dll')": [
        "injects: loads `C:\\Windows\\Temp\\a.dll` as native code, from a folder that no install writes"
    ],
    "ctypes.CDLL(r'C:\\Windows\\Temporary\\a.dll')": [],
}


def test_a_library_is_a_finding_by_its_folder_or_suffix() -> None:
    assert not wrongly_seen(LIBRARIES)


CALLED_BYTES: Mapping[str, list[str]] = {
    "ctypes.cast(ctypes.create_string_buffer(b'a'), ctypes.CFUNCTYPE(unknown))": [
        "injects: calls bytes as native code"
    ],
    "ctypes.cast(ctypes.c_char_p(b'a'), typ=ctypes.WINFUNCTYPE(unknown))": ["injects: calls bytes as native code"],
    "ctypes.cast(ctypes.addressof(odd), ctypes.PYFUNCTYPE(unknown))": ["injects: calls bytes as native code"],
    "ctypes.cast(ctypes.c_char_p(b'a'), ctypes.c_void_p)": [],
    "ctypes.cast(unknown, ctypes.CFUNCTYPE(unknown))": [],
    "ctypes.cast(odd, ctypes.c_void_p, ctypes.CFUNCTYPE(unknown))": [],
    "odd.cast(ctypes.c_char_p(b'a'), ctypes.CFUNCTYPE(unknown))": [],
    "ctypes.CFUNCTYPE(unknown)(ctypes.addressof(odd))": ["injects: calls bytes as native code"],
    "ctypes.WINFUNCTYPE(unknown)(ctypes.addressof(odd).value)": ["injects: calls bytes as native code"],
    "ctypes.PYFUNCTYPE(unknown)(ctypes.cast(odd, unknown).value)": ["injects: calls bytes as native code"],
    "ctypes.CFUNCTYPE(unknown)(odd)": [],
    "ctypes.CFUNCTYPE(unknown)(unknown, ctypes.addressof(odd))": [],
    "odd.CFUNCTYPE(unknown)(ctypes.addressof(odd))": [],
}


def test_bytes_are_a_finding_if_they_are_called_as_native_code() -> None:
    assert not wrongly_seen(CALLED_BYTES)


MEMORY: Mapping[str, list[str]] = {
    "mmap.mmap(-1, 9, prot=mmap.PROT_READ | mmap.PROT_EXEC)": ["injects: asks for memory from which it can run code"],
    "odd.mmap(0, 9, PROT_EXEC)": ["injects: asks for memory from which it can run code"],
    "mmap.mmap(-1, 9, prot=mmap.PROT_READ)": [],
}


def test_memory_is_a_finding_if_code_can_run_from_it() -> None:
    assert not wrongly_seen(MEMORY)
