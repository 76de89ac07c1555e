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


def test_no_expression_does_harm() -> None:
    assert [parse(text) for text in ("", "(", "MIT MIT", "a/b", "((((((" * 200, "\0")] == [None] * 6
    assert recognise("") == ""
