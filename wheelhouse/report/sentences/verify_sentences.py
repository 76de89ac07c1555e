"""The sentences of what `verify` finds in a wheelhouse, a staged folder or an index (pure)."""

from collections.abc import Mapping

from wheelhouse.report.sentences.table import Sentence

WHO_CHANGED_IT = "remove it, then fetch or unpack it again; find out who changed it"
FETCH_AGAIN = "fetch again"
STAGE_AGAIN = "stage again"
INDEX_AGAIN = "run `wheelhouse index --check` with a wheelhouse that has the file"
PAGE_AGAIN = "run `wheelhouse index --check` with a wheelhouse that has the project"
RENAME = "stage again with `--rename auto`"
ONE_FILE = "fetch again: only this file will be downloaded"
OLD_PIP = "install with pip 24.0 or older, or choose another release"
WAIVE = (
    "do not install this file; ask the project that published it, or choose another version; to waive the finding after a look at the "
    'file, add to wheelhouse.toml: [[policy.waivers]] with rule = "{rule}", project = "{waive_project}", sha256 = "{waive_sha256}", '
    "and values for reason, who and until"
)
ABSENT = "it is not in the folder{kind:; a # with its name is there}"
STAGED_FATE = "the image build installs every file at the top of the folder"
FATE = "an install from this folder may use it"
REFUSED = (
    *("archive", "filename", "metadata-mismatch", "wheel-dist-info", "wheel-version", "record-duplicate"),
    *("zip-structure", "zip-directory", "zip-disagreement", "zip-duplicate", "zip-hidden-data", "zip-trailing-data"),
    *("zip-path", "zip-link", "zip-encrypted", "zip-method", "zip-crc", "zip-bomb"),
    *("sdist-metadata", "sdist-path", "sdist-bomb", "sdist-duplicate", "sdist-sparse"),
    *("archive-limit", "metadata-duplicate", "record-path"),
)
"""The rules of archives that are refused; the message is that of the error."""

VERIFY: Mapping[str, Sentence] = {
    **{f"{rule}/refused": Sentence("{message}", "{error_hint:#}") for rule in REFUSED},
    # files
    "altered/locked": Sentence(
        "the bytes were altered: its sha256 is {sha256}, but the sha256 in the lock file is {locked_sha256}",
        WHO_CHANGED_IT,
    ),
    "altered/size": Sentence(
        "its size is {size:byte}, but the size in the lock file is {locked_size:byte}; its sha256 is {sha256}, "
        "but the sha256 in the lock file is {locked_sha256}",
        WHO_CHANGED_IT,
    ),
    "altered/far-longer": Sentence(
        "its size is {size:byte}, but the lock file has the size {locked_size:byte} and the sha256 {locked_sha256}",
        WHO_CHANGED_IT,
    ),
    "altered/release": Sentence(
        "it contains {stated}, which does not match its file name; its sha256 is {sha256}, but the sha256 in the "
        "lock file is {locked_sha256}",
        WHO_CHANGED_IT,
    ),
    "altered/bytes": Sentence("the bytes were altered", WHO_CHANGED_IT),
    "altered/derived": Sentence("it differs from the lock file", FETCH_AGAIN),
    "altered/constraints": Sentence("it differs from the constraints that were used for the lock file", FETCH_AGAIN),
    "altered/attestations": Sentence("it differs from the attestations that the lock file names", FETCH_AGAIN),
    "missing/file": Sentence(f"{ABSENT}{{who:; #}}", ONE_FILE),
    "missing/staged-file": Sentence(f"{ABSENT}{{who:; #}}", STAGE_AGAIN),
    "missing/derived": Sentence(ABSENT, FETCH_AGAIN),
    "missing/staged": Sentence(ABSENT, STAGE_AGAIN),
    "missing/signature": Sentence(ABSENT, "stage again with --key"),
    "missing/tools": Sentence(
        "it is not in the folder, but the image build of Airflow {airflow} installs files from tools/", FETCH_AGAIN
    ),
    "missing/build-lock": Sentence("the lock file for the build of `{sdist}` is not in the folder", FETCH_AGAIN),
    "missing/inner": Sentence("it is not in the folder, but SHA256SUMS lists it", FETCH_AGAIN),
    "altered/inner": Sentence(
        "SHA256SUMS of the wheelhouse lists a different sha256 for SHA256SUMS in this folder", FETCH_AGAIN
    ),
    "foreign/inner": Sentence("SHA256SUMS of the wheelhouse does not list it", "remove it, or fetch again"),
    "foreign/inner-older": Sentence(
        "SHA256SUMS of the wheelhouse lists no folder, because an older release of wheelhouse wrote it",
        "fetch again, so that SHA256SUMS lists the folder",
    ),
    "link/file": Sentence("it is a link, but must be a file{who:; #}", ONE_FILE),
    "link/staged-file": Sentence("it is a link, but must be a file{who:; #}", STAGE_AGAIN),
    "link/derived": Sentence("it is a link, but must be a file", FETCH_AGAIN),
    "link/staged": Sentence("it is a link, but must be a file", STAGE_AGAIN),
    "link/signature": Sentence("it is a link, but must be a file", "stage again with --key"),
    "left-aside/wheelhouse": Sentence("an interrupted run left it", "the next fetch into this wheelhouse removes it"),
    "foreign/other": Sentence(
        "it is in no lock file of this wheelhouse", "remove it, or fetch a project that needs it"
    ),
    "foreign/unnamed-staged": Sentence(f"it is in no lock file, but {STAGED_FATE}", "remove it"),
    "foreign/unnamed-wheelhouse": Sentence(f"it is in no lock file, but {FATE}", "remove it"),
    "foreign/unneeded-staged": Sentence(
        f"it is in no lock file, but {STAGED_FATE}", "remove it, or fetch a project that needs {project}"
    ),
    "foreign/unneeded-wheelhouse": Sentence(
        f"it is in no lock file, but {FATE}", "remove it, or fetch a project that needs {project}"
    ),
    "foreign/version-staged": Sentence(
        f"it is a second version of {{project}} beside `{{locked}}` in the lock file for {{target}}; {STAGED_FATE}",
        "remove it, or fetch with `--upgrade-project {project}` if you want {version}",
    ),
    "foreign/version-wheelhouse": Sentence(
        f"it is a second version of {{project}} beside `{{locked}}` in the lock file for {{target}}; {FATE}",
        "remove it, or fetch with `--upgrade-project {project}` if you want {version}",
    ),
    "foreign/builder-staged": Sentence(
        f"it is a build requirement that is in no lock file, but {STAGED_FATE}",
        "remove it: build requirements belong in tools/, which an install does not use",
    ),
    "foreign/builder-wheelhouse": Sentence(
        f"it is a build requirement that is in no lock file, but {FATE}",
        "remove it: build requirements belong in build/",
    ),
    "foreign/platform": Sentence(
        "it is for another platform or Python ({platforms}); for {target}, the lock file names `{locked}`",
        "remove it: one file for each project is enough",
    ),
    "foreign/twin": Sentence(
        "it is the same release of {project} as `{locked}` in the lock file for {target}",
        "remove it: one file for each project is enough",
    ),
    # a file and its lock file
    "swapped/locked": Sentence("it is {stated}, but the lock file has {locked}", FETCH_AGAIN),
    "unfit/locked": Sentence("none of its tags fits {target}", "fetch again for this target"),
    "requires-python": Sentence(
        "it requires Python {required}, but {target} has {python}", "fetch again: another release may fit"
    ),
    "legacy-metadata/legacy": Sentence(
        "it requires `{line}`, which PEP 508 does not allow: pip 24.1 and newer refuse it; pip 24.0 and older accept it",
        OLD_PIP,
    ),
    "legacy-metadata/invalid": Sentence(
        "it requires `{line}`, which PEP 508 does not allow: pip refuses it", "choose another release"
    ),
    **{
        f"{rule}/waived-before": Sentence(
            "{who} waived {rule} for this file until {until}, but no waiver covers it now", WAIVE
        )
        for rule in ("record-fields", "record-hash", "record-size", "name-twins")
    },
    "name-twins": Sentence("`{first}` and `{second}` are one file on macOS and Windows", WAIVE),
    "case-twins": Sentence("`{first}` and `{second}` are one file on macOS and Windows"),
    "record-fields": Sentence("the row of `{member}` in RECORD has too many fields", WAIVE),
    "record-missing-file": Sentence("RECORD lists `{member}`, which is not in the archive"),
    "record-missing-row": Sentence("`{member}` is in the archive, but not in RECORD"),
    "record-no-hash": Sentence("RECORD has no hash for `{member}`"),
    "record-hash/kind": Sentence("RECORD has a hash of an unknown kind for `{member}`: `{algorithm}`", WAIVE),
    "record-hash/differs": Sentence("the hash of `{member}` differs from RECORD", WAIVE),
    "record-size": Sentence("the size of `{member}` differs from RECORD", WAIVE),
    "record-weak-hash": Sentence("RECORD has only a weak hash for `{member}`: {algorithm}"),
    "waiver-unused": Sentence(
        "{who}'s waiver of {waived_rule}{project: for #}{version: (version #)}{sha256: (sha256 #)}{advisory: (#)}"
        "{fingerprint: (fingerprint #)} matches no finding",
        "remove the waiver, or correct it",
    ),
    "waiver-broad": Sentence(
        "{who}'s waiver of {waived_rule} for {project} also covers findings that nobody looked at yet",
        'limit the waiver: add `sha256` or `advisory`; or add both `version` and `fingerprint = "{fingerprint}"`',
    ),
    "waiver-expired": Sentence(
        "a waiver of {waived_rule} for this file expired on {until}", "look again, and renew the waiver or remove it"
    ),
    # the wheelhouse
    "closure/target": Sentence(
        "{who}, but the wheelhouse does not have that project for {target}", "fetch again for this target"
    ),
    "closure/unreadable": Sentence("its requirements cannot be checked: {reason}", "choose another release"),
    "closure/version": Sentence("{who}, but the wheelhouse has {version}", "fetch again for this target"),
    "unneeded": Sentence("no requirement needs {project} on {target}"),
    "constraints/refused": Sentence(
        "an install may take files from outside the wheelhouse: {message:#}",
        "do not use this wheelhouse; find out who made it",
    ),
    "constraints": Sentence(
        "it is for another release, and excludes pins of the lock file: {pins:3 plain}",
        "stage again; or fetch again, with the constraints of the release that you need",
    ),
    "several-versions": Sentence(
        "the lock files have different versions of {project}: {releases:all}{others:plain|; they also have different versions of #}; "
        "an install with only `--find-links` takes the newest version",
        "install with the requirements file of the target: "
        "`pip install --no-index --find-links WHEELHOUSE -r WHEELHOUSE/requirements.<target>.txt`",
    ),
    # a staged folder
    "altered/staged": Sentence("it is not the file that `wheelhouse stage` wrote", STAGE_AGAIN),
    "altered/staged-bytes": Sentence("the bytes were altered", STAGE_AGAIN),
    "altered/staged-constraints": Sentence(
        "it differs from the constraints that were used for the lock file", STAGE_AGAIN
    ),
    "foreign/staged": Sentence("`wheelhouse stage` did not write it", "remove it"),
    "foreign/unread": Sentence("`wheelhouse stage` did not write it, and no build reads it"),
    "other-version/same": Sentence(
        "wheelhouse {version} staged the folder; the layout of wheelhouse {own_version} is the same"
    ),
    "other-version/same-older": Sentence(
        "an older release of wheelhouse staged the folder; the layout of wheelhouse {own_version} is the same"
    ),
    "other-version/differs": Sentence(
        "wheelhouse {version} staged the folder; wheelhouse {own_version} has a different layout, "
        "so this check cannot tell whether these files were altered: {paths:1}",
        "stage again, or verify the folder with wheelhouse {version}",
    ),
    "other-version/differs-older": Sentence(
        "an older release of wheelhouse staged the folder; wheelhouse {own_version} has a different layout, "
        "so this check cannot tell whether these files were altered: {paths:1}",
        STAGE_AGAIN,
    ),
    "rename/own": Sentence(
        "it is staged as `{staged}`, but the build of Airflow {airflow} by route {route} needs the original name",
        RENAME,
    ),
    "rename/unbound": Sentence(
        "Airflow {airflow} installs a file of this name without constraints; the file must be staged as `{wanted}`",
        RENAME,
    ),
    "rename/unused": Sentence(
        "Airflow {airflow} does not install a file of this name; the file must be staged as `{wanted}`", RENAME
    ),
    # an index
    "missing/indexed": Sentence("it is not in the folder", INDEX_AGAIN),
    "missing/page": Sentence("it is not in the folder", PAGE_AGAIN),
    "missing/metadata": Sentence("its metadata file is not in the folder", INDEX_AGAIN),
    "missing/attestations": Sentence("its file of attestations is not in the folder", INDEX_AGAIN),
    "altered/indexed": Sentence("the bytes were altered", INDEX_AGAIN),
    "altered/in-bucket": Sentence("the bytes were altered", f"remove it, then {INDEX_AGAIN}"),
    "altered/indexed-size": Sentence(
        "its size is {size:byte}, but the size on the page of the index is {page_size:byte}", INDEX_AGAIN
    ),
    "altered/page": Sentence("it differs from the page that wheelhouse writes for this index", PAGE_AGAIN),
    "altered/page-unreadable": Sentence("it cannot be read: {message}", PAGE_AGAIN),
    "altered/metadata": Sentence("its metadata file was altered", INDEX_AGAIN),
    "altered/metadata-differs": Sentence(
        "its metadata file differs from the metadata inside the distribution", INDEX_AGAIN
    ),
    "swapped/project": Sentence("it is a file of another project: {stated}", INDEX_AGAIN),
    "left-aside/index": Sentence("an interrupted run left it", "remove it"),
    "foreign/index": Sentence(
        "no page of the index names it", "remove it, or run `wheelhouse index` with a wheelhouse that has it"
    ),
}
