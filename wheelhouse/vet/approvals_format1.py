"""Approvals of format 1: they signed the English sentence of a finding, which is written here from its facts (pure).

The templates are the sentences of the releases that signed them. They are data of a format and never change.
"""

from collections.abc import Mapping

from wheelhouse.findings import Finding
from wheelhouse.humanize import filled

FORMAT_1 = 1
TEMPLATES: Mapping[str, str] = {
    "other-bytes": "its sha256 is {sha256}, and {approved:all} was approved",
    "wheel-tags": "its WHEEL says {inside:all}, and its name says {in_name:all}",
    "licence-unknown/none": "does not say under which licence it is",
    "licence-unknown/unlisted": "says only `{text}`, which is no licence that SPDX lists",
    "licence-expression-wrong": "its License-Expression `{text}` cannot be read",
    "licence-denied": "it is under {expression} (from its {source}), and the policy denies {denied:all}",
    "licence-not-allowed": "it is under {expression} (from its {source}), which the policy does not allow",
    "native-code": "holds {count} native library(s){linked:8 plain|, linked to #}: {paths:3}",
    "native-program": "holds {count} native program(s): {paths}",
    "native-links": "links to {libraries}, which neither the house nor every system has",
    "native-search-path": "`{path}` looks for libraries in {folders}",
    "native-search-system": "`{path}` looks for libraries in {folders}",
    "native-unreadable/large": "`{path}` is too large to be read",
    "native-unreadable/damaged": "`{path}` cannot be read as the ELF file that it says it is",
    "native-in-pure": "its tags say any platform, and it holds {paths}",
    "native-elsewhere": "it is for {platform}, and holds {paths}, which is not",
    "origin-unknown/address": "it is from {url}, and from no index",
    "origin-unknown/path": "it was a file on somebody's machine",
    "origin-unencrypted": "it came from {url}, unencrypted",
    "project-status": "the index says that the project is {status}",
    "built-here/sandbox": (
        "it was built here from {sdist} (sha256 {sha256}), under {interpreter}{requires: with #}, sealed by {sandbox}"
    ),
    "built-here/open": (
        "it was built here from {sdist} (sha256 {sha256}), under {interpreter}{requires: with #}, unsealed"
    ),
    "built-unsealed": "its build was not sealed",
    "publisher": "published by {publishers}",
    "publisher-changed": "it was published by {publishers}, and at first sight the publisher was {known}",
    "attestation-missing": "nothing attests who published it, and the project's publisher is {known}",
    "attestation-refused": "its attestations are refused: {reason}",
    "yanked/reason": "it was yanked: {reason}",
    "yanked/bare": "it was yanked: no reason given",
    "cool-off/unknown": "the index did not say when it was uploaded",
    "cool-off/young": "it was uploaded on {uploaded}, less than {days} days ago",
    "overwrites": "installs {paths}, which {other} installs, too, with other contents",
    "shares-files": "installs {paths}, as {other} does",
    "intrudes": "installs {paths} into what belongs to {owner}",
    "extends": "adds {count} file(s) to what belongs to {owner}",
    "stdlib-name": "installs {modules}, the name of a module of the standard library",
    "everybodys-name": "installs {packages} at the top of site-packages",
    "stray-files": "puts {paths} at the top of site-packages",
    "data-files": "installs {count} file(s) outside site-packages, such as `{first}`",
    "data-files-elsewhere": "installs {paths} into the prefix",
    "embedded-archive": "holds {count} archive(s), which were not opened: {paths}",
    "compressed-file": "holds {count} compressed file(s): {paths:3}",
    "lookalike": "its name looks like `{other}`",
    "lookalike-inside": "its name looks like `{other}`, which is in the house, too",
    "pth-code/runs": "`{path}` runs {lines} line(s) of code at every start of Python: `{first}`",
    "pth-code/long": "`{path}` is too long to be looked at",
    "pth-known": "`{path}` runs the line that setuptools writes",
    "pth-path": "`{path}` puts {folders} onto sys.path",
    "start-file": "`{path}` has {functions} called at every start of Python",
    "start-module": "`{path}` is imported at every start of Python",
    "data-scripts": "puts {scripts} onto PATH",
    "script-shadows": "its {commands} would be run in the place of the system's",
    "sdist-runs-code/setup": "building it runs setup.py",
    "sdist-runs-code/backend": "building it runs the backend {backend}",
    "sdist-runs-code/unknown": "building it runs its own code",
    "own-backend": "it is built by its own {backend}, in {folders}",
    "install-time-network": "`{path}` speaks of the network: {names}",
    "install-time-hidden": "`{path}` executes what it decodes first: {calls}",
    "install-time-secret": "`{path}` holds {kinds:plain}",
    "vulnerable/fixed": "{project} {version} is affected by {ids:all}{rating: (#)}: {summary}",
    "vulnerable/unfixed": "{project} {version} is affected by {ids:all}{rating: (#)}: {summary}",
    "file-unvouched": "only the sha256 in the settings says which bytes it must have",
    "file-in-clear": "it was fetched from {url}, without TLS, and nobody signed it",
    "file-leads-out": "{members} would be unpacked outside its folder",
    "waiver-expired": "a waiver of {waived_rule} for it ran out on {until}",
    "record-fields": "RECORD's row of `{member}` has too many fields",
    "record-missing-file": "RECORD names `{member}`, which is not in the archive",
    "record-missing-row": "`{member}` is in the archive, but not in RECORD",
    "record-no-hash": "RECORD has no hash for `{member}`",
    "record-hash/kind": "RECORD gives `{member}` a hash of an unknown kind, `{algorithm}`",
    "record-hash/differs": "`{member}` does not have the hash that RECORD gives",
    "record-size": "`{member}` does not have the size that RECORD gives",
    "record-weak-hash": "RECORD vouches for `{member}` with {algorithm} only",
    "swapped/locked": "it is {stated}, and the lock says {locked}",
    "requires-python": "it requires Python {required}, and {target} has {python}",
    "legacy-metadata/legacy": (
        "it asks for `{line}`, which PEP 508 does not allow: pip 24.1 and newer refuse it; pip 24.0 and older take it"
    ),
    "legacy-metadata/invalid": "it asks for `{line}`, which PEP 508 does not allow: pip refuses it",
    "unfit/locked": "no tag of it fits {target}",
    "unneeded": "nothing that was asked for needs {project} on {target}",
}
"""Templates by rule, or by rule and case, as `humanize.filled` reads them."""


def sentence_in_format_1(finding: Finding) -> str | None:
    """The sentence that format 1 signed for a finding; None for a rule without a template, as those of refused archives.

    Their sentence was that of an error. The rule is enough there: the same bytes are refused for the same reason.
    """
    values = finding.values
    case, severity = values.get("case"), values.get("severity")
    template = TEMPLATES.get(f"{finding.rule}/{case}" if case else finding.rule)
    if isinstance(severity, str) and not severity.startswith("CVSS:3."):
        values["rating"] = severity  # other vectors were quoted
    return None if template is None else filled(template, values)
