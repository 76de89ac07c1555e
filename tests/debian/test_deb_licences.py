"""Licences of Debian packages, from the copyright files in them."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wheelhouse.debian import deb_file
from wheelhouse.debian.copyright_file import licence_names, linked_package
from wheelhouse.debian.deb_file import NO_FILE, CopyrightFile, copyright_file
from wheelhouse.debian.debian_lock import DebianLock, LockedDeb
from wheelhouse.files.cache import Cache
from wheelhouse.files.disk import sha256_of
from wheelhouse.findings import Policy
from wheelhouse.lock.wheelhouse import Wheelhouse
from wheelhouse.report.sentences import sentence_of
from wheelhouse.vet.approvals import NO_APPROVALS
from wheelhouse.vet.cyclonedx import sbom
from wheelhouse.vet.deb_licences import deb_licences, spdx_expression
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.licences import parse
from wheelhouse.vet.rules.debian_licences import deb_licence_findings

DEP5 = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: lib
License: Expat

Files: *
Copyright: somebody
License: GPL-2+ or Artistic, and Expat
 the whole text of it

Files: contrib/a contrib/b
License: BSD-3-clause

Files: debian/*
License: AGPL-3

License: GPL-2+
 On Debian systems, see /usr/share/common-licenses/GPL-2.
"""
PLAIN = """This package was debianized by somebody.
 you can redistribute it under the terms of the GNU General Public License, version 2, or (at your option) any later version;
 see /usr/share/common-licenses/GPL-2. Parts: /usr/share/common-licenses/Apache-2.0.
"""


def deb(path: Path, text: str | None, packed: str = "xz", name: str = "lib", link: str = "") -> Path:
    """A package whose data have a copyright file, or a link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for place, content in {
            "./usr/bin/x": b"x" * 100_000,
            f"./usr/share/doc/{name}/copyright": (text or "").encode(),
        }.items():
            member = tarfile.TarInfo(place)
            member.size = len(content)
            if link and place.endswith("copyright"):
                member.type, member.linkname, member.size = tarfile.SYMTYPE, link, 0
            if text is not None or not place.endswith("copyright"):
                tar.addfile(member, io.BytesIO(content))
    pack = {"xz": lzma.compress, "gz": gzip.compress, "bz2": bz2.compress, "": bytes, "zst": bytes, "odd": bytes}[
        packed
    ]
    data = pack(raw.getvalue())
    members = {"debian-binary": b"2.0\n", "control.tar.gz": b"odd", f"data.tar{packed and '.' + packed}": data}
    content = b"!<arch>\n"
    for member, part in members.items():
        content += (
            f"{member:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n".encode() + part + b"\n" * (len(part) % 2)
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packed", ["xz", "gz", ""])
def test_the_copyright_file_is_read_out_of_a_package(tmp_path: Path, packed: str) -> None:
    assert copyright_file(deb(tmp_path / "a.deb", DEP5, packed), "lib") == CopyrightFile(DEP5)


def test_what_has_none_or_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    assert copyright_file(deb(tmp_path / "a.deb", None), "lib") == NO_FILE
    assert copyright_file(deb(tmp_path / "a.deb", DEP5), "other") == NO_FILE
    linked = deb(tmp_path / "a.deb", "", link="../other/copyright")
    assert copyright_file(linked, "lib") == CopyrightFile(package="other")
    assert copyright_file(deb(tmp_path / "a.deb", DEP5, "odd"), "lib") == NO_FILE
    whole = deb(tmp_path / "a.deb", DEP5).read_bytes()
    for broken in (
        b"",
        b"!<arch>\n",
        b"no archive",
        whole[:300],
        whole[:-200],
        whole.replace(b"\xfd7zXZ", b"\0\0\0\0\0"),
        whole.replace(b"100644  ", b"100644  -9        `\n"),
    ):
        (tmp_path / "b.deb").write_bytes(broken)
        assert copyright_file(tmp_path / "b.deb", "lib") == NO_FILE


@pytest.mark.parametrize("packed", ["xz", "gz", "bz2", ""])
def test_damaged_data_tell_nothing(tmp_path: Path, packed: str) -> None:
    whole = bytearray(deb(tmp_path / "a.deb", DEP5, packed).read_bytes())
    whole[200:] = bytes(byte ^ 255 for byte in whole[200:])
    (tmp_path / "a.deb").write_bytes(whole)
    assert copyright_file(tmp_path / "a.deb", "lib") == NO_FILE


def test_licences_are_those_of_all_files_but_the_packaging() -> None:
    assert licence_names(DEP5) == ("GPL-2+ or Artistic, and Expat", "BSD-3-clause")
    assert licence_names(PLAIN) == ("GPL-2+", "Apache-2.0")
    assert licence_names("Copyright somebody.\n") == () == licence_names("")
    assert licence_names(DEP5.replace("\n\n", "\r\n\r\n")) == licence_names(DEP5)
    assert licence_names(DEP5[: DEP5.index("Files: *")] + "Files: debian/*\nLicense: GPL-3+\n") == ("GPL-3+",)


BSD = "Redistribution and use in source and binary forms, with or without modification, are permitted"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/*\n * Permission is hereby granted, free of charge, to any person\n * obtaining a copy of", ("Expat",)),
        (
            "Permission to use, copy, modify, distribute, and sell this software and its\ndocumentation",
            ("HPND-sell-variant",),
        ),
        ("Permission to use, copy, modify, and distribute this software and its documentation for", ("HPND",)),
        (
            "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
            ("ISC",),
        ),
        (f"{BSD} provided", ("BSD-2-clause",)),
        (f"# {BSD}\n# … may be used to endorse or promote products", ("BSD-3-clause",)),
        (f"{BSD} … All advertising materials … endorse or promote", ("BSD-4-clause", "BSD-3-clause")),
        ("The authors hereby grant permission to use, copy, modify, distribute,\nand license this software", ("TCL",)),
        ("Altered source versions must be plainly marked as such", ("Zlib",)),
        ("LZMA SDK is placed in the public domain.", ("public-domain",)),
        ("The overall license is the GNU Lesser General Public\nLicense, version 2.1 (or later)", ("LGPL-2.1+",)),
        ("the GNU General Public License as published by …; version 2", ("GPL-2",)),
        ("see /usr/share/common-licenses/LGPL-2 for the GNU Library General Public License, version 2", ("LGPL-2",)),
        ("All rights reserved.", ()),
    ],
)
def test_a_text_without_a_format_is_known_by_its_phrases(text: str, names: tuple[str, ...]) -> None:
    assert licence_names(text) == names


@pytest.mark.parametrize(
    ("names", "expression"),
    [
        (("GPL-2+",), "GPL-2.0-or-later"),
        (("GPL-2", "LGPL-2.1+"), "GPL-2.0-only AND LGPL-2.1-or-later"),
        (
            ("GPL-2+ or Artistic, and Expat", "BSD-3-clause"),
            "((GPL-2.0-or-later OR Artistic-1.0) AND MIT) AND BSD-3-Clause",
        ),
        (("GPL-3+ with GCC-Runtime exception",), "GPL-3.0-or-later"),
        (("GFDL-NIV-1.3+", "public-domain"), "GFDL-1.3-or-later AND LicenseRef-public-domain"),
        (("Perl",), "GPL-1.0-or-later OR Artistic-1.0-Perl"),
        (("Perl and Expat",), "(GPL-1.0-or-later OR Artistic-1.0-Perl) AND MIT"),
        (("GPL-2", "GPL-2", "Expat or GPL-2"), "GPL-2.0-only AND (MIT OR GPL-2.0-only)"),
        (("GPL",), "GPL-1.0-or-later"),
        (("Apache-2.0, MIT",), "Apache-2.0 AND MIT"),
        (("a licence; of our own <x>",), "LicenseRef-a-licence-of-our-own-x"),
        ((), ""),
    ],
)
def test_debians_names_become_spdx_expressions(names: tuple[str, ...], expression: str) -> None:
    assert spdx_expression(names) == expression
    assert not expression or parse(expression) is not None


SPELLINGS = {
    ("gpl-3",): "GPL-3.0-only",
    ("LGPL-v2.1+",): "LGPL-2.1-or-later",
    ("AGPL-3",): "AGPL-3.0-only",
    ("LGPL+",): "LicenseRef-LGPL-1.0",
    ("ALGPL-3",): "LicenseRef-ALGPL-3.0",
    ("gfdl-niv-1.2",): "GFDL-1.2-only",
    ("GPL-2x",): "LicenseRef-GPL-2x",
    ("EXPAT",): "MIT",
    ("zlib/libpng",): "Zlib",
    ("bsd-3-clause",): "BSD-3-Clause",
    ("LicenseRef-ours",): "LicenseRef-ours",
    ("LicenseRef-our_own",): "LicenseRef-LicenseRef-our-own",
    ("<ours>",): "LicenseRef-ours",
    ("?",): "LicenseRef-other",
    ("",): "",
    ("", "MIT"): "MIT",
    ("MIT", "", "ISC"): "MIT AND ISC",
    ("MIT or ",): "MIT",
    (" or MIT and ISC",): "MIT AND ISC",
    ("MIT OR ISC",): "MIT OR ISC",
    ("MIT | ISC",): "MIT OR ISC",
    ("MIT |ISC",): "MIT OR ISC",
    ("GPL-1+ | Artistic",): "GPL-1.0-or-later OR Artistic-1.0",
    ("GPL-2 and BSD-3-Clause or MIT and BSD-3-Clause",): "GPL-2.0-only AND BSD-3-Clause OR MIT AND BSD-3-Clause",
    ("MIT/ ISC",): "MIT AND ISC",
    ("MIT or ISC and MIT",): "MIT OR ISC AND MIT",
    ("MIT or ISC or MIT",): "MIT OR ISC",
    ("MIT, or ISC and Zlib",): "MIT OR (ISC AND Zlib)",
    ("MIT and ISC, OR Zlib",): "(MIT AND ISC) OR Zlib",
    ("MIT or ISC", "Zlib", "MIT or ISC"): "(MIT OR ISC) AND Zlib",
    (" GPL-2  WITH x exception or MIT ",): "GPL-2.0-only OR MIT",
}


def test_names_are_spelled_and_joined_as_spdx_does() -> None:
    assert {names: spdx_expression(names) for names in SPELLINGS} == SPELLINGS


def locked(name: str, path: Path | None = None) -> LockedDeb:
    """A package of the lock file, with the bytes at a path if there is one."""
    place, of = f"pool/{name}.deb", ("bookworm", "main", name, "1", ("packages",))
    sha256, size = (sha256_of(path), path.stat().st_size) if path else (name * 8, 1)
    return LockedDeb(name, "1", "amd64", "debian", place, sha256, size, *of)


def test_a_policy_that_names_licences_is_held_against_packages(tmp_path: Path) -> None:
    texts = {"gpl": PLAIN, "mit": DEP5.replace("GPL-2+ or Artistic, and Expat", "Expat"), "odd": "?"}
    debs = {name: deb(tmp_path / f"debian/debian/pool/{name}.deb", text, name=name) for name, text in texts.items()}
    lock = DebianLock(packages=(*(locked(name, path) for name, path in debs.items()), locked("gone")))
    cache = Cache(tmp_path / "cache")
    licences = deb_licences(tmp_path, lock, cache.private)
    assert licences == {
        "debian/debian/pool/gpl.deb": "GPL-2.0-or-later AND Apache-2.0",
        "debian/debian/pool/mit.deb": "MIT AND BSD-3-Clause",
    }
    (tmp_path / "debian/debian/pool/gpl.deb").write_bytes(b"read from the notes")
    assert deb_licences(tmp_path, lock, cache.private) == licences
    policy = Policy(licences_denied=frozenset({"GPL-2.0-or-later"}))
    findings = {one.subject.rpartition("/")[2]: one for one in deb_licence_findings(lock, licences, policy)}
    assert {name: one.rule for name, one in findings.items()} == {
        "gpl.deb": "deb-licence-denied",
        "odd.deb": "deb-licence-unknown",
        "gone.deb": "deb-licence-unknown",
    }
    assert (
        "has files under GPL-2.0-or-later, which the policy denies (licences in its copyright file: GPL"
        in sentence_of(findings["gpl.deb"])
    )
    only = replace(policy, licences_denied=frozenset(), licences_allowed=frozenset({"MIT"}))
    assert [one.rule for one in deb_licence_findings(lock, licences, only)] == [
        *("deb-licence-not-allowed", "deb-licence-not-allowed", "deb-licence-unknown", "deb-licence-unknown")
    ]
    assert not list(deb_licence_findings(lock, licences, Policy()))


def test_a_copyright_file_that_is_a_link_is_that_of_another_package(tmp_path: Path) -> None:
    names = ("lib-dev", "tool", "lib", "loop", "far")
    links = {"lib-dev": "../tool/copyright", "tool": "/usr/share/doc/lib/copyright", "loop": "../loop/copyright"}
    links |= {"far": "../libc6/copyright"}
    debs = [
        deb(tmp_path / f"debian/debian/pool/{name}.deb", PLAIN, name=name, link=links.get(name, "")) for name in names
    ]
    lock, cache = DebianLock(packages=tuple(map(locked, names, debs))), Cache(tmp_path / "cache")
    for _ in range(2):  # the second time from the notes
        licences = deb_licences(tmp_path, lock, cache.private, {"libc6": "LGPL-2.1-or-later"})
        assert {place.rpartition("/")[2]: expression for place, expression in licences.items()} == {
            **dict.fromkeys(("lib-dev.deb", "tool.deb", "lib.deb"), "GPL-2.0-or-later AND Apache-2.0"),
            "far.deb": "LGPL-2.1-or-later",
        }


def test_links_are_followed_to_a_known_package_within_limits(tmp_path: Path) -> None:
    chain = [f"p{number}" for number in range(9)]
    for name, other in zip(chain, [*chain[1:], ""], strict=True):
        deb(
            tmp_path / f"debian/debian/pool/{name}.deb", PLAIN, name=name, link=f"../{other}/copyright" if other else ""
        )
    deb(tmp_path / "debian/debian/pool/odd.deb", "", name="odd", link="../unknown/copyright")
    licences = deb_licences(tmp_path, DebianLock(packages=tuple(map(locked, [*chain, "odd"]))))
    assert [*licences] == [f"debian/debian/pool/{name}.deb" for name in chain[1:]]


def test_a_package_that_is_missing_is_read_when_it_is_there(tmp_path: Path) -> None:
    path = deb(tmp_path / "debian/debian/pool/lib.deb", PLAIN)
    lock, notes = DebianLock(packages=(locked("lib", path),)), Cache(tmp_path / "cache").private
    path.unlink()
    assert deb_licences(tmp_path, lock, notes) == {}
    deb(path, PLAIN)
    licences = {"debian/debian/pool/lib.deb": "GPL-2.0-or-later AND Apache-2.0"}
    assert deb_licences(tmp_path, lock) == licences == deb_licences(tmp_path, lock, notes)
    path.unlink()
    assert (deb_licences(tmp_path, lock), deb_licences(tmp_path, lock, notes)) == ({}, licences)


def test_what_an_altered_package_says_is_not_kept_for_the_locked_one(tmp_path: Path) -> None:
    path, place = tmp_path / "debian/debian/pool/lib.deb", "debian/debian/pool/lib.deb"
    lock, notes = DebianLock(packages=(locked("lib", deb(path, PLAIN)),)), Cache(tmp_path / "cache").private
    deb(path, DEP5.replace("GPL-2+ or Artistic, and Expat", "Expat"))
    assert deb_licences(tmp_path, lock, notes) == {place: "MIT AND BSD-3-Clause"}
    path.write_bytes(path.read_bytes()[:300])
    assert deb_licences(tmp_path, lock, notes) == {}
    deb(path, PLAIN)
    assert deb_licences(tmp_path, lock, notes) == {place: "GPL-2.0-or-later AND Apache-2.0"}


def test_that_this_python_cannot_decompress_a_package_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deb(tmp_path / "debian/debian/pool/lib.deb", PLAIN)
    lock, notes = DebianLock(packages=(locked("lib", path),)), Cache(tmp_path / "cache").private
    with monkeypatch.context() as patch:
        patch.setitem(deb_file.MODULES, ".xz", "compression.of_a_later_python")
        assert deb_licences(tmp_path, lock, notes) == {}
        assert copyright_file(path, "lib") is None
    licences = {"debian/debian/pool/lib.deb": "GPL-2.0-or-later AND Apache-2.0"}
    assert deb_licences(tmp_path, lock, notes) == licences


@pytest.mark.parametrize(
    ("target", "package"),
    [
        ("gcc-12-base", "gcc-12-base"),
        ("../libc6/copyright", "libc6"),
        ("/usr/share/doc/g++", "g++"),
        ("../../../etc/passwd", ""),
        ("copyright", ""),
        ("", ""),
    ],
)
def test_a_link_leads_to_a_package_or_to_none(target: str, package: str) -> None:
    assert linked_package(target) == package


def test_the_bill_of_materials_has_them() -> None:
    pytest.importorskip("cyclonedx")
    lock, now = DebianLock(packages=(locked("mit"),)), datetime(2026, 11, 28, 12, tzinfo=UTC)
    place = "debian/debian/pool/mit.deb"
    evidence = Evidence(
        *("house", {"": Wheelhouse()}, {place: "a" * 64}, (), (), (), (), NO_APPROVALS, now),
        debian=lock,
        deb_licences={place: "MIT AND LicenseRef-x"},
    )
    [component] = json.loads(sbom(evidence))["components"]
    assert component["licenses"] == [{"acknowledgement": "concluded", "expression": "MIT AND LicenseRef-x"}]
