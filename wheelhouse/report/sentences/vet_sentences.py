"""The sentences of the rules of `vet` (pure)."""

from collections.abc import Mapping

from wheelhouse.report.sentences.table import Sentence

KNOW_WHY = "approve it only if you know why"
PURPOSE = "find out what these files are for"
MALICIOUS = "do not install it, and find out who requested it"
WAIVE = "or waive the finding with a reason"
AFFECTED = "is affected by {ids:all}{rating: (#)}{exploited:, exploited since #}{epss:, EPSS #}"
ONLY_ONE = "install only one of the two projects, or find out which one is right"
FIX_UNKNOWN = "no advisory says which version is fixed"
LIKENESSES: Mapping[str, str] = {
    "separators": "only hyphens differ",
    "letters": "letters that look alike",
    "slip": "a typing mistake apart",
    "order": "the same words in another order",
    "affix": "with an added word or number",
}
"""How a name differs from the name that it looks like, by the fact `how`."""
APPROVE = "read the findings of `wheelhouse vet`, then use `wheelhouse approve`"

VET: Mapping[str, Sentence] = {
    # abilities
    "capabilities/some": Sentence("it can: {members:all}"),
    "capabilities/none": Sentence("it has none of the capabilities that `vet` looks for"),
    "not-in-sdist": Sentence(
        "it has {paths}; {sdist} lacks these files, or has them with other contents",
        "find out whether the build writes this code",
    ),
    "new-capability": Sentence(
        "it has capabilities that {before} did not have: {members:all}", "look at these members before you approve it"
    ),
    # scripts
    "data-scripts": Sentence("it installs {scripts} into a folder of PATH"),
    "script-shadows": Sentence(
        "it installs commands that run instead of system commands with the same names: {commands}",
        "find out why it needs these names",
    ),
    "script-shadows-tool": Sentence(
        "it installs commands with the names of another project's tools: {commands}",
        "make sure that you want these commands from this project",
    ),
    "command-twice": Sentence(
        "it installs {commands}; {other} installs commands with the same names",
        ONLY_ONE,
    ),
    # integrity
    "other-bytes": Sentence(
        "the sha256 is {sha256}, but earlier approvals are for {approved:all}", "find out who replaced the file"
    ),
    "wheel-tags": Sentence(
        "the WHEEL file has the tags {inside:all}, but the file name has {in_name:all}",
        "find out who renamed the file; to change the tags, use the command `wheel tags`, which also changes the "
        "file name",
    ),
    # licensing
    "licence-unknown/none": Sentence(
        "the file does not say its licence",
        "find out the licence, and waive the finding: write the licence as the reason",
    ),
    "licence-unknown/unlisted": Sentence(
        "the licence is given as `{text}`, which SPDX does not list",
        "find out the licence, and waive the finding: write the licence as the reason",
    ),
    "licence-expression-wrong": Sentence("the License-Expression `{text}` cannot be read", "tell the project"),
    "licence-denied": Sentence(
        "the licence is {expression} (from its {source}), but the policy denies {denied:all}", f"leave it out, {WAIVE}"
    ),
    "licence-not-allowed": Sentence(
        "the licence is {expression} (from its {source}), which the policy does not allow",
        f"add the licence to the policy, leave the project out, {WAIVE}",
    ),
    # native
    "native-code": Sentence("{count:native file} in the wheel: {paths:3}{linked:8 plain|; linked to #}"),
    "native-program": Sentence(
        "{count:native program} in the wheel: {paths}", "find out where they were built, and from which source"
    ),
    "native-links": Sentence(
        "it links to libraries that are not in the wheelhouse and that some systems do not have: {libraries}",
        "install these libraries on the target",
    ),
    "native-search-path": Sentence(
        "`{path}` searches for libraries in {folders}",
        "make sure that only trusted users can write to these folders; a relative path begins in the working "
        "folder of the process",
    ),
    "native-search-system": Sentence(
        "`{path}` searches for libraries in {folders}", "make sure that only root can write to these folders"
    ),
    "native-unreadable/large": Sentence(
        "`{path}` is too large to be read", "find out what this file is, and which libraries it links to"
    ),
    "native-unreadable/damaged": Sentence(
        "`{path}` begins like an ELF file, but cannot be read as an ELF file",
        "find out what this file is, and which libraries it links to",
    ),
    "native-in-pure": Sentence("by its tags, the wheel is for any platform, but it has native code: {paths}", PURPOSE),
    "native-elsewhere": Sentence(
        "the wheel is for {platform}, but has native code for another platform: {paths}", PURPOSE
    ),
    # origin
    "indexes": Sentence("{count:file} from {index}"),
    "origin-unknown/address": Sentence("it is from {url}, not from an index", "find out where it is from"),
    "origin-unknown/path": Sentence(
        "it was a local file of the machine that wrote the lock file", "find out where it is from"
    ),
    "origin-unencrypted": Sentence(
        "it was fetched from {url} without encryption", "fetch it over https, and check that the sha256 stays the same"
    ),
    "project-status": Sentence(
        "the index says that the project is {status}", "the project gets no more fixes: look for its successor"
    ),
    "built-here/sandbox": Sentence(
        "built from {sdist} (sha256 {sha256}), under {interpreter}{requires:, with #}, in a sandbox ({sandbox})"
    ),
    "built-here/open": Sentence(
        "built from {sdist} (sha256 {sha256}), under {interpreter}{requires:, with #}, without a sandbox"
    ),
    "built-unsealed": Sentence("it was built without a sandbox", "build it again on a machine that can make a sandbox"),
    "built-in-weaker-sandbox": Sentence(
        "the sandbox{sandbox: (#)} of its build lacks {missing}, which the policy requires",
        "build it again in a sandbox that has {missing}",
    ),
    "publisher": Sentence("published by {publishers}"),
    "publisher-changed": Sentence(
        "it was published by {publishers}, but the first publisher was {known}",
        "ask the project; if the change is right, add the publisher to the file of publishers",
    ),
    "attestation-missing": Sentence(
        "it has no attestations, but the project has a known publisher: {known}", "ask the project why"
    ),
    "attestation-refused": Sentence(
        "its attestations are refused: {reason}", "do not use the file before you know the cause"
    ),
    "attestations-unchecked": Sentence(
        "the attestations of {count:file} were not checked: sigstore is not installed",
        "`wheelhouse doctor` says how to install it",
    ),
    "trust-root": Sentence("the newest key of the trust root came into use on {since}, {days:day} ago"),
    "yanked/reason": Sentence("it was yanked: {reason}", "choose another version"),
    "yanked/bare": Sentence("it was yanked, without a reason", "choose another version"),
    "cool-off/unknown": Sentence(
        "the index did not say when it was uploaded", f"use an index with upload times (PEP 700), {WAIVE}"
    ),
    "cool-off/young": Sentence(
        "it was uploaded on {uploaded}, less than {days:day} ago", "wait, or choose an older version"
    ),
    # placement
    "overwrites": Sentence(
        "it installs {paths}; {other} installs other files at the same paths",
        ONLY_ONE,
    ),
    "shares-files": Sentence(
        "it installs {paths}; {other} installs the same files at the same paths",
        ONLY_ONE,
    ),
    "intrudes": Sentence(
        "it installs {paths} into a package of {owner}",
        "find out why, and whether the authors of {owner} know about these files",
    ),
    "extends": Sentence("it adds {count:file} to a package of {owner}"),
    "module-hidden": Sentence(
        "its module `{module}` hides a module of {other}: both have this name, but are different kinds of module",
        ONLY_ONE,
    ),
    "poses-as": Sentence(
        "besides its own metadata, it installs metadata of {names}, so Python counts these projects as installed",
        "leave it out until its authors explain this",
    ),
    "stdlib-backport": Sentence("it installs modules that newer Pythons have in their standard library: {modules}"),
    "stdlib-name": Sentence(
        "it installs modules with names of the standard library: {modules}", "find out why it needs these names"
    ),
    "everybodys-name": Sentence("it installs {packages} at the top of site-packages", "tell the project"),
    "stray-files": Sentence("it installs {paths} at the top of site-packages"),
    "data-files": Sentence("it installs {count:file} (for example `{first}`) outside site-packages"),
    "data-files-elsewhere": Sentence(
        "it installs {paths} into sys.prefix (the folder of the Python environment)", PURPOSE
    ),
    "embedded-archive": Sentence(
        "it contains {count:archive} that `wheelhouse vet` did not open: {paths}", "look into them"
    ),
    "compressed-file": Sentence("it contains {count:compressed file}: {paths:3}"),
    # naming
    "lookalike": Sentence(
        "the name looks like `{other}`", "make sure that you want this project, and waive the finding with a reason"
    ),
    "lookalike-inside": Sentence(
        "the name looks like `{other}`, which is also in the wheelhouse", "make sure that you want both projects"
    ),
    "lookalike-popular": Sentence(
        "the name looks like `{other}` ({likeness}), which is one of the most used projects",
        "make sure that you want this project, and waive the finding with a reason",
    ),
    "lookalike-known": Sentence(
        "the name looks like `{other}` ({likeness}), which is a much used project",
        "make sure that you want this project",
    ),
    "module-of-another": Sentence(
        "it installs modules with the names of other, much used projects: {modules}",
        "find out why it needs these names",
    ),
    "homoglyphs": Sentence(
        "it installs modules or commands with non-ASCII letters in their names: {names}; these names look like "
        "{read_as}",
        "do not install it before you know why its authors chose these letters",
    ),
    # plugins
    "plugin-at-start": Sentence("each start of {host} imports {objects} (entry points of `{group}`)"),
    "plugin-in-builds": Sentence(
        "each build with setuptools runs {objects} (entry points of `{group}`)",
        "find out what this code does to other projects",
    ),
    "plugin": Sentence("it offers plugins to other programs, in these groups of entry points: {groups:8}"),
    # running
    "pth-code/runs": Sentence(
        "`{path}` runs {lines:line} of code at each start of Python: `{first}`", f"read the file, and {KNOW_WHY}"
    ),
    "pth-code/long": Sentence(
        "`{path}` is too long for `wheelhouse vet`", "read the file yourself; no .pth file needs to be so long"
    ),
    "pth-known": Sentence("`{path}` runs a line of code that setuptools writes into .pth files"),
    "pth-path": Sentence("`{path}` adds {folders} to sys.path"),
    "start-file": Sentence("because of `{path}`, each start of Python calls {functions}", "read these functions"),
    "start-module": Sentence("each start of Python imports `{path}`", KNOW_WHY),
    "sdist-runs-code/setup": Sentence("its build runs setup.py", "build it in a sandbox: `wheelhouse build`"),
    "sdist-runs-code/backend": Sentence(
        "its build runs the backend {backend}", "build it in a sandbox: `wheelhouse build`"
    ),
    "sdist-runs-code/unknown": Sentence(
        "its build runs code of the sdist", "build it in a sandbox: `wheelhouse build`"
    ),
    "own-backend": Sentence(
        "its build runs a backend that the sdist contains: {backend}, in {folders}",
        "read the code of this backend before you build the sdist",
    ),
    "install-time-network": Sentence(
        "`{path}` uses the network: {names}", "find out what it fetches or sends, and to whom"
    ),
    "install-time-hidden": Sentence(
        "`{path}` executes data that it decodes: {calls}", "do not install it before you have read the decoded code"
    ),
    "install-time-secret": Sentence(
        "`{path}` contains {kinds:plain}", "tell the project about this secret, and find out what the code does with it"
    ),
    # tooling
    "tool-settings": Sentence(
        "it installs {paths}: such files can start programs in editors, agents, git or shells",
        "read these files; packages do not need files of this kind",
    ),
    "sdist-tool-settings": Sentence(
        "it has {paths:3}: such files can start programs in editors, agents, git or shells"
    ),
    "agent-instructions": Sentence("it has {paths:3}, which agents read as instructions"),
    "git-filter": Sentence("`{path}` makes git run the filter {filters}"),
    "jupyter-settings": Sentence("it turns on an extension of Jupyter: {paths}"),
    # startup
    "pth-start-module": Sentence(
        "each start of Python imports `{module}`, because `{path}` adds the folder of this module to sys.path", KNOW_WHY
    ),
    "python-replaced": Sentence(
        "it installs {paths} over files of Python itself", "do not install it before you know what these files do"
    ),
    "starts-with-system": Sentence(
        "it installs {paths}, which a shell or the system runs by itself",
        "do not install it before you have read these files",
    ),
    "installer-settings": Sentence(
        "it installs {paths}; these settings tell pip and similar tools where to get files",
        "do not install it before you have read these files",
    ),
    # hiding
    "program-in-disguise": Sentence(
        "`{path}`: {does:4 plain}", "do not install it before you know what this program is for"
    ),
    "pickle-runs-code": Sentence("`{path}` calls {calls:8 plain} when it is loaded", "do not load it"),
    "pyc-unchecked": Sentence(
        "Python runs `{path}` without comparing it with its source",
        "remove the compiled file, or build the wheel from the project's source",
    ),
    "pyc-unlike-source": Sentence(
        "`{path}` does not match its source: {does:4 plain}",
        "remove the compiled file: Python may run it in place of the source",
    ),
    "pyc-without-source": Sentence(
        "it installs compiled modules without their source: {paths}", "ask the project for the source"
    ),
    # importing
    "import-runs-decoded": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it runs code that it decodes: {does:4 plain}",
        "do not install it before you have read the decoded code",
    ),
    "import-runs-fetched": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it runs code that it fetches: {does:4 plain}",
        "do not install it: a server decides what runs",
    ),
    "import-drops-program": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it fetches a program: {does:4 plain}",
        "do not install it before you know which program it fetches, and why",
    ),
    "import-sends-data": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it sends data of this machine: {does:4 plain}",
        "find out who receives the data, and replace each secret that the data can contain",
    ),
    "import-reads-secrets": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it reads secrets: {does:4 plain}",
        "find out what it does with these secrets; no library needs secrets at import",
    ),
    "import-writes-startup": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it changes what runs at start-up: {does:4 plain}",
        "find out what it writes",
    ),
    "import-watches-user": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it watches the user: {does:4 plain}",
        "find out what it does with the data that it collects",
    ),
    "import-injects-code": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it loads machine code: {does:4 plain}",
        "find out what this code does, and where it comes from",
    ),
    "import-runs-command": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it starts a command: {does:4 plain}",
        "read the command, and find out why it is needed",
    ),
    "import-patches": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it replaces functions of other modules: {does:4 plain}",
        "find out what it does with the data that pass through these functions",
    ),
    "import-starts-program": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it starts a program: {does:4 plain}",
        "find out what the program is for",
    ),
    "import-uses-network": Sentence(
        "`{path}`{lines:8 plain|, line #}: when it is imported or run, it uses the network: {does:4 plain}",
        "find out what it fetches or sends, and to whom",
    ),
    "code-runs-hidden": Sentence(
        "`{path}`{lines:8 plain|, line #}: functions in it run code that they decode or fetch: {does:4 plain}",
        "find out where that code comes from",
    ),
    "code-hides-names": Sentence(
        "`{path}`{lines:8 plain|, line #}: it hides what it calls: {does:4 plain}",
        "read these lines: honest code has no reason to hide a name",
    ),
    "code-protected": Sentence(
        "`{path}`{lines:8 plain|, line #}: it has code that nobody can read: {does:4 plain}",
        "ask the project for the source, or leave the project out",
    ),
    "code-shady-address": Sentence(
        "`{path}`{lines:8 plain|, line #}: it contains an address that hides its owner: {does:4 plain}",
        "find out what is sent there or fetched from there",
    ),
    "code-touches-secrets": Sentence(
        "`{path}`{lines:8 plain|, line #}: if it is called, it opens secrets or start-up files: {does:4 plain}",
        "find out when it is called, and what for",
    ),
    "tests-can-act": Sentence("`{path}`{lines:8 plain|, line #}: this happens in tests or examples: {does:4 plain}"),
    "code-is-hostile": Sentence(
        "`{path}`{lines:8 plain|, line #}: if it is called, it does what malware does: {does:4 plain}",
        "approve it only if you know why",
    ),
    "code-profiles-machine": Sentence(
        "`{path}`{lines:8 plain|, line #}: if it is called, it reads the name of the machine or of its user: {does:4 plain}",
        "find out what it does with these names",
    ),
    "code-can-act": Sentence("`{path}`{lines:8 plain|, line #}: if it is called, it can do this: {does:4 plain}"),
    "source-hides-code": Sentence(
        "`{path}`{lines:8 plain|, line #}: it hides code from its readers: {does:4 plain}",
        "look at these lines in an editor that shows all characters",
    ),
    "source-invisible": Sentence(
        "`{path}`{lines:8 plain|, line #}: it has {does:4 plain}",
        "look at these lines in an editor that shows all characters",
    ),
    "setup-replaces-install": Sentence(
        "`{path}`{lines:8 plain|, line #}: {does:4 plain}",
        "read these commands: an install of the project runs them",
    ),
    "source-unfollowed": Sentence(
        "`{path}` could not be analysed to its end: {does:4 plain}", "read it, or find out why it is written like that"
    ),
    "source-unparsed": Sentence("a part of `{path}` could not be parsed: {does:4 plain}"),
    # vulnerabilities
    "vulnerable/fixed": Sentence(
        f"{{project}} {{version}} {AFFECTED}{{summary:: #}}",
        "{since:this advisory is new since the snapshot of #: }take {fixed} or newer",
    ),
    "vulnerable/unfixed": Sentence(
        f"{{project}} {{version}} {AFFECTED}{{summary:: #}}",
        f"{{since:this advisory is new since the snapshot of #; }}{FIX_UNKNOWN}: leave it out, {WAIVE}",
    ),
    "component-vulnerable/fixed": Sentence(
        f"{{package}} (named in `{{path}}`) {AFFECTED}{{summary:: #}}",
        "take a release that contains version {fixed} (or newer) of the component; or say in a VEX document why the "
        "advisory does not matter",
    ),
    "component-vulnerable/unfixed": Sentence(
        f"{{package}} (named in `{{path}}`) {AFFECTED}{{summary:: #}}",
        "take a newer release, or say in a VEX document why the advisory does not matter",
    ),
    "vulnerable-since-approval/fixed": Sentence(
        f"{{project}} {{version}} {AFFECTED}, and no reviewer saw this advisory{{summary:: #}}",
        "take {fixed} or newer, or review the file again: `wheelhouse approve`",
    ),
    "vulnerable-since-approval/unfixed": Sentence(
        f"{{project}} {{version}} {AFFECTED}, and no reviewer saw this advisory{{summary:: #}}",
        f"{FIX_UNKNOWN}; review the file again: `wheelhouse approve`",
    ),
    "malicious/file": Sentence("it is malicious: its sha256 is in {ids:all}", MALICIOUS),
    "malicious/release": Sentence("{project} {version} is malicious: {ids:all}", MALICIOUS),
    "malicious-member": Sentence("`{path}` is a malicious file of {project}: its sha256 is in {ids:all}", MALICIOUS),
    "advisories-missing": Sentence(
        "known vulnerabilities were not checked: there is no snapshot of advisories",
        "import one: `wheelhouse advisories import FILE`",
    ),
    "advisories-old": Sentence("the newest advisory is from {newest}, {days:day} ago", "import a newer export"),
    "deb-vulnerable/fixed": Sentence(
        f"{{package}} {{version}} {AFFECTED}{{summary:: #}}",
        "take {fixed} or newer: `fetch --upgrade`",
    ),
    "deb-vulnerable/unfixed": Sentence(
        f"{{package}} {{version}} {AFFECTED}{{summary:: #}}",
        FIX_UNKNOWN,
    ),
    "deb-advisories-missing": Sentence(
        "known vulnerabilities of Debian packages were not checked: there are no advisories for this distribution ({distribution})",
        "put OSV's exports for this distribution and for PyPI into one folder, and import the folder: "
        "`wheelhouse advisories import FOLDER`",
    ),
    "deb-licence-denied": Sentence(
        "{package} {version} has files under {denied:all}, which the policy denies (licences in its copyright "
        "file: {expression})",
        f"leave it out, {WAIVE}",
    ),
    "deb-licence-not-allowed": Sentence(
        "{package} {version} is under {expression} (from its copyright file), which the policy does not allow",
        f"leave it out, {WAIVE}",
    ),
    "deb-licence-unknown": Sentence(
        "the copyright file of {package} {version} has licences that a program cannot read",
        "read the licences, and waive the finding: write these licences as the reason",
    ),
    # otherfiles
    "file-unvouched": Sentence(
        "it is checked only by the sha256 in the settings",
        "if the file's project publishes checksums or a signature, add `checksums` or `signature` to the settings",
    ),
    "file-in-clear": Sentence("it was fetched from {url}, without TLS, and is not signed", "fetch it over https"),
    "file-leads-out": Sentence(
        "{members} would be unpacked outside the folder that the tar is unpacked into", "do not unpack it"
    ),
    # approvals
    "not-approved/nobody": Sentence("nobody approved it", APPROVE),
    "not-approved/few": Sentence(
        "approved only by {reviewers:all}; it needs the approval of {needed:reviewer}{withdrawn:all|; approval withdrawn by #}"
        "{expired:all|; expired approval of #}{keys:all|; unknown keys: #}",
        APPROVE,
    ),
    "not-approved/expired": Sentence("the approval by {expired:all} expired{keys:all|; unknown keys: #}", APPROVE),
    "not-approved/role": Sentence(
        "approved by {reviewers:all}; it needs the approval of {needed:reviewer} with the role {role}", APPROVE
    ),
    "not-approved/withdrawn": Sentence("the approval was withdrawn by {withdrawn:all}", APPROVE),
    "not-approved/outside": Sentence(
        "it was approved only by reviewers whose role is not for this project: {outside:all}", APPROVE
    ),
    "not-approved/unknown-key": Sentence("only unknown keys approved it: {keys:all}", APPROVE),
}
