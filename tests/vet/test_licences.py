"""Licences: what tells them, in which order, and what a policy's lists make of them."""

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from wheelhouse.archive.artifact import Artifact
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.facts import Facts, Inside
from wheelhouse.vet.licences import allowed, denied, licence_of, parse, recognise

MIT = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this … The above copyright notice"
)
BSD = "Redistribution and use in source and binary forms, with or without … used to endorse or promote products"


def told(text: str = "", **headers: str | tuple[str, ...]) -> tuple[str, str]:
    """Expression and source, for metadata given by field (`_` for `-`) and one licence file."""
    fields = {name.replace("_", "-"): (value,) if isinstance(value, str) else value for name, value in headers.items()}
    pin = Pin(NormalizedName("one"), Version("1"), Artifact("one-1-py3-none-any.whl", "0" * 64, 1))
    licence = licence_of(Facts(pin, inside=Inside((), {"one-1.dist-info/LICENSE": text}, fields)))
    return licence.expression, licence.source


@pytest.mark.parametrize(
    ("text", "headers", "expected"),
    [
        ("", {"license_expression": "apache-2.0 or MIT"}, ("Apache-2.0 OR MIT", "License-Expression")),
        (MIT, {"license_expression": "LicenseRef-Ours"}, ("LicenseRef-Ours", "License-Expression")),
        (MIT, {"license_expression": "Nonsense"}, ("MIT", "licence files")),
        ("", {"license": "Apache License, Version 2.0"}, ("Apache-2.0", "License")),
        ("", {"license": "MIT", "classifier": "License :: OSI Approved :: BSD License"}, ("MIT", "License")),
        ("", {"license": MIT}, ("MIT", "License")),
        ("", {"license": "UNKNOWN"}, ("", "")),
        (
            "",
            {"classifier": ("License :: OSI Approved", "License :: OSI Approved :: MIT License")},
            ("MIT", "classifiers"),
        ),
        ("", {"license": "BSD"}, ("LicenseRef-BSD", "License")),
        (BSD, {"classifier": "License :: OSI Approved :: BSD License"}, ("BSD-3-Clause", "licence files")),
        (MIT, {"classifier": "License :: OSI Approved :: BSD License"}, ("LicenseRef-BSD", "classifiers")),
        (MIT, {}, ("MIT", "licence files")),
        ("All rights reserved.", {}, ("", "")),
    ],
)
def test_a_licence_is_told_by_the_first_that_knows(
    text: str, headers: dict[str, str], expected: tuple[str, str]
) -> None:
    assert told(text, **headers) == expected


@pytest.mark.parametrize(
    ("expression", "names", "found"),
    [
        ("GPL-3.0-only", ["gpl-3.0-only"], ("GPL-3.0-only",)),
        ("GPL-3.0-only OR MIT", ["GPL-3.0-only"], ()),
        ("GPL-3.0-only AND MIT", ["GPL-3.0-only"], ("GPL-3.0-only",)),
        ("MIT OR (GPL-3.0-only AND ISC)", ["GPL-3.0-only", "MIT"], ("MIT", "GPL-3.0-only")),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], ("GPL-2.0-only",)),
        ("GPL-2.0+", ["GPL-2.0-or-later"], ("GPL-2.0-or-later",)),
        ("", ["MIT"], ()),
    ],
)
def test_what_is_denied(expression: str, names: list[str], found: tuple[str, ...]) -> None:
    assert denied(expression, names) == found


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("MIT", True),
        ("MIT AND Apache-2.0", True),
        ("MIT AND ISC", False),
        ("MIT OR ISC", True),
        ("LicenseRef-BSD", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("", False),
    ],
)
def test_what_is_allowed(expression: str, answer: bool) -> None:
    assert allowed(expression, ["mit", "Apache-2.0", "LicenseRef-BSD"]) is answer


FIELDS = {
    "MIT": "MIT",
    " The 'MIT' Licence ": "MIT",
    "Licensed under the Apache Software License, Version 2.0": "Apache-2.0",
    "mit or isc": "MIT OR ISC",
    "MIT OR\nISC": "",
    f"\n{MIT}\n": "MIT",
    f"LicenseRef-{'a' * 89}": f"LicenseRef-{'a' * 89}",
    f"LicenseRef-{'a' * 90}": "",
    "x-LicenseRef-": "",
    "See the file": "",
    " ": "",
}


def test_the_field_has_a_usual_name_an_expression_or_a_whole_text() -> None:
    assert {text: told(license=text)[0] for text in FIELDS} == FIELDS


def test_the_licences_of_classifiers_are_joined_each_once() -> None:
    rows = {
        ("OSI Approved :: MIT License", "MIT License", "OSI Approved :: ISC License (ISCL)"): "MIT AND ISC",
        ("OSI Approved",): "",
        ("OSI Approved :: Apache Software License", "Other"): "Apache-2.0",
    }
    assert {row: told(classifier=tuple(f"License :: {one}" for one in row))[0] for row in rows} == rows
    for other in ("Topic :: MIT License", "License:: MIT License", "MIT License :: License :: "):
        assert told(classifier=other) == ("", "")


def test_a_later_source_counts_if_it_names_a_member_of_the_family_alone() -> None:
    family, exact = (
        "License :: OSI Approved :: BSD License",
        "License :: OSI Approved :: MIT No Attribution License (MIT-0)",
    )
    assert told(license="MIT", classifier=exact) == ("MIT", "License")
    assert told(BSD, license="UNKNOWN", classifier=family) == ("BSD-3-Clause", "licence files")
    assert told(BSD, license_expression="LicenseRef-Ours", classifier=family) == (
        "LicenseRef-Ours",
        "License-Expression",
    )
    assert told(license="GPL", classifier="License :: GNU General Public License v2 (GPLv2)") == (
        "GPL-2.0-only",
        "classifiers",
    )
    assert told(license="GPL", classifier="License :: GNU Affero General Public License v3") == (
        "LicenseRef-GPL",
        "License",
    )


def test_licence_files_are_known_by_their_own_names() -> None:
    def of_files(**texts: str) -> str:
        pin = Pin(NormalizedName("one"), Version("1"), Artifact("one-1-py3-none-any.whl", "0" * 64, 1))
        return licence_of(Facts(pin, inside=Inside((), texts))).expression

    isc = "permission to use, copy, modify, and/or distribute this software … provided that the above copyright notice"
    assert of_files(**{"x/MY-LICENCE": MIT, "x/copying.md": isc, "x/license.2": MIT}) == "MIT AND ISC"
    assert of_files(**{"licenses/AUTHORS": MIT, "x/NOTICE": isc, "LICENSE/x": MIT}) == ""


FAR = "x " * 1600
GNU, TWO = "gnu general public license", "version 2"
TEXTS = {
    f"# {MIT.replace('any person', '* any | > person')}": "MIT",
    f"{FAR} {MIT}": "MIT",
    MIT.partition(" … ")[0]: "",
    BSD: "BSD-3-Clause",
    f"{BSD} all  advertising\nmaterials": "BSD-4-Clause",
    BSD.partition(", with")[0]: "BSD-2-Clause",
    f"{GNU} {TWO}": "GPL-2.0-only",
    f"{GNU} {FAR} {TWO}": "",
    f"{TWO} {FAR} {GNU}": "",
    f"Mozilla Public License {FAR} 2.0": "MPL-2.0",
    f"2.0 {FAR} Mozilla Public License": "",
    f"gnu affero general public license {GNU} version 3": "AGPL-3.0-only",
    f"Mozilla Public License Version 2.0 … Secondary Licenses … {GNU}, {TWO}.0 … gnu affero {GNU[4:]}, version 3": "MPL-2.0",
    f"GNU LIBRARY GENERAL PUBLIC LICENSE {TWO} … {GNU}": "LGPL-2.0-only",
    f"{GNU} {TWO} … covered by the GNU Library General Public License instead": "GPL-2.0-only",
}


def test_a_text_is_recognised_by_all_phrases_of_a_licence() -> None:
    assert {text: recognise(text) for text in TEXTS} == TEXTS


def test_a_policys_names_are_spelled_in_any_way() -> None:
    assert denied("LicenseRef-Ours AND gpl-2.0+ AND MIT", ["licenseref-ours", "GPL-2.0-OR-LATER", "no licence"]) == (
        *("LicenseRef-Ours", "GPL-2.0-or-later"),
    )
    assert denied("MIT AND (MIT OR ISC)", ["MIT"]) == ("MIT",)
    assert denied("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only WITH Classpath-exception-2.0"]) == (
        "GPL-2.0-only WITH Classpath-exception-2.0",
    )
    assert not allowed("Nonsense", ["Nonsense"]) and denied("Nonsense", ["Nonsense"]) == ()


def test_no_expression_does_harm() -> None:
    assert [parse(text) for text in ("", "(", "MIT MIT", "a/b", "((((((" * 200, "\0")] == [None] * 6
    assert [parse(text) for text in ("()", "MIT AND ()", "( OR -", "( AND LicenseRef-x")] == [None] * 4
    assert recognise("") == ""
    assert told(license="()") == told(license_expression="( OR -") == ("", "")


def test_an_expression_is_read_up_to_a_nesting_of_a_hundred() -> None:
    texts = {depth: "(" * depth + "MIT OR ISC" + ") AND Zlib) OR ISC" * (depth // 2) for depth in (100, 102, 2000)}
    assert {depth: parse(text) is not None for depth, text in texts.items()} == {100: True, 102: False, 2000: False}
    assert told(license_expression=texts[2000]) == ("", "")
    assert denied(texts[100], ["MIT"]) == () and allowed(texts[100], ["ISC"])
    assert parse(" AND ".join(["(MIT OR ISC)"] * 200)) is not None
