"""The sentences of what a rehearsal finds (pure)."""

from collections.abc import Mapping

from wheelhouse.report.sentences.table import Sentence

AGAIN = "fetch again, and stage again"
CONSTRAINTS = "check that the constraints and the lock file are for the same release;"
HERE_PYTHON = "; the Python here is {here}, but the target has {python}"
REHEARSE_UNDER = "rehearse under Python {python}: --interpreter PATH; or fetch for Python {here}"

REHEARSAL: Mapping[str, Sentence] = {
    # the installed environment
    "not-installed": Sentence("{project} {version} is locked, but was not installed"),
    "other-version": Sentence("{project} {version} was installed, but the lock file has {locked}"),
    "not-locked": Sentence("{project} {version} was installed, but is in no lock file"),
    "import/library": Sentence(
        "`{module}` cannot be imported under {under}: {reason}",
        "the image needs that library: install the Debian package that has it (`wheelhouse stage --runtime-apt NAME`)",
    ),
    "import/module": Sentence(
        "`{module}` cannot be imported under {under}: {reason}",
        "if you use this module, also fetch the project that the module needs: the metadata do not list that project",
    ),
    "import/other": Sentence(
        "`{module}` cannot be imported under {under}: {reason}",
        "find out whether you use this module; it may need something that the image has and this sandbox lacks",
    ),
    "import/unchecked": Sentence("the installed environment cannot be inspected: {output}"),
    "check/intended": Sentence(
        "pip check says: {line}", "do nothing: the lock file differs from the metadata on purpose"
    ),
    "check/broken": Sentence("pip check says: {line}", "fetch again"),
    "run/environment": Sentence(
        "`{command}` ended with code {code}: {output}",
        "the command ran in the installed environment, without a network",
    ),
    "run/image": Sentence(
        "`{command}` ended with code {code}: {output}", "the command ran in the image, without a network"
    ),
    "twice": Sentence(
        "{project} was installed twice: first {first}, then {locked} in its place",
        "two steps of the build require different versions of it: compare the constraints with the lock file",
    ),
    # failed installs
    "environment": Sentence(
        "no virtual environment can be made: {output}",
        "install the package that this Python needs for virtual environments (Debian: python3-venv), or name "
        "another Python with --interpreter",
    ),
    "command/failed": Sentence("`{command}` failed: {output}"),
    "command/known": Sentence("`{command}` failed because of the findings above"),
    "command/also": Sentence("`{command}` also failed"),
    "not-built/requirements": Sentence(
        "it is an sdist, but its build requirements are not in the folder: {requirements}",
        "build a wheel of it before the transfer: `wheelhouse build`; or fetch it again, with its build requirements",
    ),
    "not-built/unreadable": Sentence(
        "it is an sdist, and its pyproject.toml requires {requirements}, which cannot be read as requirements",
        "build a wheel of it from corrected source, and request this wheel",
    ),
    "not-built/failed": Sentence(
        "it is an sdist, and could not be built without a network{cause:: #}",
        "{remedy:#; or }build a wheel of it before the transfer: `wheelhouse build`, then stage again",
    ),
    "not-found/unreadable": Sentence("`{wanted}` was requested, but the folder does not have it", AGAIN),
    "not-found/unlocked": Sentence(
        "{who}, but no lock file of this folder has that project",
        "add the requirement `{wanted}` to `wheelhouse fetch`; if it is a build requirement, use `wheelhouse build`",
    ),
    "not-found/versions": Sentence(
        "{who}, but the folder has only {versions}",
        "add the requirement `{wanted}` to `wheelhouse fetch`; if it is a build requirement, use `wheelhouse build`",
    ),
    "not-found/excluded": Sentence("the install requires `{wanted}`, but the lock file has {locked}", AGAIN),
    "not-found/unseen": Sentence(
        "{who}; the lock file has {locked}, but pip does not find that version in the folder", AGAIN
    ),
    "not-found/unhashed": Sentence(
        "{who}, but no lock file of this folder has that project", "fetch this project too, and stage again"
    ),
    "unfit/installed": Sentence(
        "pip would install it, but it does not fit {target}", "remove it, or fetch for the platform of the image"
    ),
    "rename/option": Sentence(
        "pip refuses the new name: `{name}` is not a valid requirement", "stage again without `--rename documented`"
    ),
    "requirement": Sentence(
        "pip refuses it, because it is not a valid requirement", "correct this requirement in the install command"
    ),
    "altered/installed": Sentence(
        "its hash differs from its hash in the requirements file", "fetch it again; find out who changed it"
    ),
    "conflict": Sentence("pip says that {projects} conflict: {causes}", f"{CONSTRAINTS} then fetch again"),
    "legacy-metadata/installed": Sentence(
        "this pip refuses its metadata, which pip 24.0 and older accept",
        "install with pip 24.0 or older, or choose another release",
    ),
    "index": Sentence(
        "pip requested {project} from an index, but an image build has no index",
        "let pip search only the folder: stage again, by the route that `wheelhouse stage` proposes",
    ),
    "pip-too-old/tools": Sentence(
        "pip {pip} is too old for this wheel: pip {since} and newer know its tags",
        "use pip {since} or newer: fetch it into tools/ of the wheelhouse, and stage again",
    ),
    "pip-too-old/interpreter": Sentence(
        "pip {pip} is too old for this wheel: pip {since} and newer know its tags",
        "use pip {since} or newer, both in the base image and for this rehearsal",
    ),
    "closure/target-here": Sentence(
        f"{{who}}, but the wheelhouse does not have that project for {{target}}{HERE_PYTHON}", REHEARSE_UNDER
    ),
    "closure/unreadable-here": Sentence(f"its requirements cannot be checked: {{reason}}{HERE_PYTHON}", REHEARSE_UNDER),
    "closure/version-here": Sentence(f"{{who}}, but the wheelhouse has {{version}}{HERE_PYTHON}", REHEARSE_UNDER),
    # pip-compile
    "opinion/left-out": Sentence("pip-compile omits {project}{who:, but #}"),
    "opinion/left-out-here": Sentence(
        "pip-compile omits {project}{who:, but #}; a marker is true for the target, "
        "but false for the Python of pip-compile"
    ),
    "opinion/version": Sentence(
        "pip-compile takes {project} {version}, but the lock file has {locked}{who:; #}",
        "find the reason with `wheelhouse why`; to take {version}, fetch again with --upgrade-project {project}",
    ),
    "opinion/more": Sentence("pip-compile also requires {project} {version}, which the lock file does not name"),
}
