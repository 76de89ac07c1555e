"""The form of an upload: core metadata, with the field names of the legacy upload API and twine (pure)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.metadata import parse_email
from packaging.version import InvalidVersion, Version

from wheelhouse.archive.filenames import WHEEL_SUFFIX

Form = list[tuple[str, str]]
RENAMED = {"platforms": "platform", "supported_platforms": "supported_platform", "license_files": "license_file"}
"""Fields whose names in the form are not those of `packaging.metadata.RawMetadata`."""
UNSENT = frozenset(("import_names", "import_namespaces"))
"""Fields that the API does not know (twine 7.0)."""
LICENSE_FILES_SINCE = Version("2.4")
"""Since this Metadata-Version, License-File is that of PEP 639; setuptools wrote it before, with another meaning."""


def upload_form(raw_metadata: bytes, filename: str, digests: Mapping[str, str]) -> Form:
    """All fields of the form but the file itself, (name, value), from METADATA or PKG-INFO. A name can come several times.

    `digests` are in lower-case hexadecimal, by the form's names (`sha256`, `blake2_256`). Left out are metadata that cannot
    be read (the server may refuse the file), fields in UNSENT, and License-File before LICENSE_FILES_SINCE.
    """
    is_wheel = filename.endswith(WHEEL_SUFFIX)
    metadata: dict[str, Any] = dict(parse_email(raw_metadata)[0])
    if not _has_license_files(metadata.get("metadata_version", "0")):
        metadata.pop("license_files", None)
    return [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("filetype", "bdist_wheel" if is_wheel else "sdist"),
        ("pyversion", filename.split("-")[-3] if is_wheel else "source"),
        *((f"{name}_digest", digest) for name, digest in digests.items()),
        *((RENAMED.get(key, key), text) for key, value in metadata.items() for text in _texts(key, value)),
    ]


def _has_license_files(metadata_version: str) -> bool:
    """Whether License-File is that of PEP 639 in this Metadata-Version. False if it is no version."""
    try:
        return Version(metadata_version) >= LICENSE_FILES_SINCE
    except InvalidVersion:
        return False


def _texts(key: str, value: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the values of one field: each entry of a list, `label, url` of a mapping, all keywords as one; none for a field in UNSENT.

    In the project's name, `-` replaces each run of characters other than letters, digits and dots.
    """
    if key in UNSENT:
        return
    if key == "name":
        yield re.sub("[^A-Za-z0-9.]+", "-", value)
    elif key == "keywords":
        yield ", ".join(value)
    elif isinstance(value, dict):
        yield from (f"{label}, {url}" for label, url in value.items())
    else:
        yield from [value] if isinstance(value, str) else value
