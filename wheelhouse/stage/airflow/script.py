"""The install steps of a release's image build as one bash script, to run without an image (pure).

Source: the releases' own scripts, and on purpose not the rest of wheelhouse. Left out are apt, yarn, `pip install --user` (the
environment is the user's), and compiling Python. The script takes the build arguments as variables, fails when the build would
fail, and writes the output of `airflow version` to `version.txt`.
"""

import re
import shlex
from collections.abc import Mapping

from packaging.version import Version

from wheelhouse.stage.destination import FOLDER

CLIENTS = ("MYSQL", "MSSQL", "POSTGRES")
EAGER = {"2.3.1": "dill<0.3.3 certifi<2021.0.0", "2.3.4": "dill<0.3.3 pyarrow>=6.0.0", "2.6.0": ""}


def default_arguments(at: Version) -> dict[str, str]:
    """The Dockerfile's own values, in this release, of the arguments that the script uses, by name."""
    names = ("ADDITIONAL_PYTHON_DEPS", "ADDITIONAL_PIP_INSTALL_FLAGS", "AIRFLOW_VERSION_SPECIFICATION")
    since = [value for first, value in EAGER.items() if Version(first) <= at]
    clients = {f"INSTALL_{client}_CLIENT": "true" for client in CLIENTS}
    eager = {"EAGER_UPGRADE_ADDITIONAL_REQUIREMENTS": since[-1] if since else ""}
    return dict.fromkeys(names, "") | clients | eager


def base_commands(dockerfile: str, folder: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The commands that install the pip of a staged base.Dockerfile from `folder`, none if it has no pip, and its ENV by
    name: values without quotes, paths unchanged.
    """
    pip = re.search(r"^COPY (tools/\S+)", dockerfile, re.MULTILINE)
    settings = re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', " ".join(re.findall(r"^ENV (.*)$", dockerfile, re.MULTILINE)))
    runs = (f"pip install --no-index --no-cache-dir {folder}/{pip[1]}",) if pip else ()
    return runs, {name: quoted or bare for name, quoted, bare in settings}


def build_arguments_of(text: str) -> dict[str, str]:
    """The build arguments in a staged build.args, by name."""
    return {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}


def exports(arguments: Mapping[str, str]) -> str:
    """Lines of shell that set the build arguments, for a script without a Dockerfile that declares them."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in arguments.items())


def dockerfile_of(script: str) -> str:
    """The text of a Dockerfile that runs a script on a base image, with the staged folder mounted. `script` is its path in
    the build context.
    """
    return f"""ARG BASE_IMAGE
FROM ${{BASE_IMAGE}}
RUN --mount=type=bind,source={FOLDER},target=/{FOLDER} \\
    --mount=type=bind,source={script},target=/{script} \\
    cd /tmp && bash /{script}
"""


def from_image(dockerfile: str, image: str) -> str:
    """The text of a Dockerfile with another base image in its first FROM; the rest of that line, such as `AS name`, is
    dropped.
    """
    return re.sub(r"^FROM .*$", lambda _: f"FROM {image}", dockerfile, count=1, flags=re.MULTILINE)


def install_script(at: Version, folder: str, base: tuple[str, ...] = ()) -> str:
    """The text of the script for a release. `folder` is the path of the staged folder, which bash reads without quotes; `base` has
    the commands of base.Dockerfile.
    """
    steps = [*PREAMBLE, f"FOLDER={folder}", *base]
    if at >= Version("2.2.4"):
        steps += [
            'mkdir -p "$HOME/.config/pip"',
            '[ ! -f $FOLDER/pip.conf ] || cp $FOLDER/pip.conf "$HOME/.config/pip/"',
        ]
    steps += [_tools(at), "install_tools", _configured(at), _from_context(at), ADDITIONAL[at >= Version("2.0.1")]]
    steps += [_order(at)]
    if at >= Version("2.1.1"):
        steps += ["[ ! -f $FOLDER/requirements.txt ] || pip install -r $FOLDER/requirements.txt"]
    if at < Version("2.2.4"):  # the final stage: the same base image, without the folder
        steps += ['PIP_FIND_LINKS=/nowhere pip install --upgrade "pip==$PIP"']
    return "\n".join([*steps, "airflow version | tail -n 1 > version.txt", "pip check", ""])


PREAMBLE = (
    "set -euo pipefail -x",
    'PIP="${AIRFLOW_PIP_VERSION:-${PIP_VERSION:-}}"',
    "for client in mysql postgres; do",
    '    name=INSTALL_${client^^}_CLIENT; [ "${!name}" = true ] || AIRFLOW_EXTRAS="${AIRFLOW_EXTRAS/$client,}"',
    "done",
)
OTHERS = """
other_files() { ls $FOLDER/*.{whl,tar.gz} 2>/dev/null | grep -v apache_airflow | grep -v apache-airflow || true; }
install_others() {
    local others; others=$(other_files)
    [ -z "$others" ] || { pip install $ADDITIONAL_PIP_INSTALL_FLAGS --force-reinstall --no-deps --no-index $others; install_tools; }
}
"""
ADDITIONAL = {
    False: 'install_additional() { pip install $ADDITIONAL_PYTHON_DEPS --constraint "$AIRFLOW_CONSTRAINTS_LOCATION"; }',
    True: "install_additional() { pip install --upgrade --upgrade-strategy only-if-needed $ADDITIONAL_PIP_INSTALL_FLAGS "
    "$ADDITIONAL_PYTHON_DEPS; install_tools; pip check; }",
}


def _tools(at: Version) -> str:
    """The shell functions up to install_tools, which installs the release's pip, since 2.9 also uv, since 3.0 also a tool."""
    if at < Version("2.9"):
        return 'install_tools() { pip install --upgrade "pip==$PIP"; }'
    tool = (
        "uv tool install prek --with uv"
        if at >= Version("3.1")
        else "uv tool install pre-commit --with pre-commit-uv --with uv"
    )
    return f"""
version_of() {{ python -c "from importlib.metadata import version; print(version('$1'))" 2>/dev/null || echo none; }}
install_tools() {{
    [ "$(version_of pip)" = "$PIP" ] || pip install "pip==$PIP"
    [ "$(version_of uv)" = "$AIRFLOW_UV_VERSION" ] || pip install "uv==$AIRFLOW_UV_VERSION"
    {tool if at >= Version("3.0") else ":"}
}}
"""


def _configured(at: Version) -> str:
    """The shell function install_airflow: the ordinary install."""
    name = '"apache-airflow[$AIRFLOW_EXTRAS]${AIRFLOW_INSTALL_VERSION:-$AIRFLOW_VERSION_SPECIFICATION}"'
    limit = '--constraint "$AIRFLOW_CONSTRAINTS_LOCATION"'
    if at < Version("2.0.1"):
        return f"install_airflow() {{ pip install {name} {limit}; }}"
    flags = (
        "--no-binary lxml,xmlsec $ADDITIONAL_PIP_INSTALL_FLAGS"
        if at >= Version("3.0.3")
        else "$ADDITIONAL_PIP_INSTALL_FLAGS"
    )
    if at >= Version("2.9"):
        again = f"pip install --upgrade --upgrade-strategy only-if-needed {flags} {name}"
        return f"install_airflow() {{ pip install {flags} {name} {limit} || {again}; install_tools; pip check; }}"
    azure = "pip uninstall azure-storage azure-storage-blob azure-storage-file --yes; pip install azure-storage-blob azure-storage-file"
    return f"""
install_airflow() {{
    pip install {flags} {name} {limit}
    install_tools
    pip install --upgrade --upgrade-strategy only-if-needed {flags} {name}
    {azure if at == Version("2.0.1") else ":"}
    install_tools
    pip check
}}
"""


def _from_context(at: Version) -> str:
    """The shell function install_from_context, with the globs, order and flags of the release."""
    if at < Version("2.0.1"):
        return (
            "install_from_context() { if ls $FOLDER/*.{whl,tar.gz} >/dev/null 2>&1; "
            "then pip install --no-deps $FOLDER/*.{whl,tar.gz}; fi; }"
        )
    files = """
    local airflow providers
    airflow=$(ls $FOLDER/apache?airflow?[0-9]*.{whl,tar.gz} 2>/dev/null || true)
    providers=$(ls $FOLDER/apache?airflow?providers*.{whl,tar.gz} 2>/dev/null || true)
"""
    nothing = '[ -n "$airflow$providers" ] || return 0'
    by_name = '[ -z "$airflow" ] || airflow="apache-airflow[$AIRFLOW_EXTRAS]==$(basename "$airflow" | cut -d - -f 2)"'
    stripped = 'grep -ve "^apache-airflow" < "$AIRFLOW_CONSTRAINTS_LOCATION" > stripped.txt'
    if at < Version("2.1"):
        limits = '"$AIRFLOW_CONSTRAINTS_LOCATION"' if at < Version("2.0.2") else "stripped.txt"
        body = f"""{nothing}
    airflow="$airflow[$AIRFLOW_EXTRAS]"; {stripped}
    pip install --force-reinstall $airflow $providers --constraint {limits}; install_tools
    pip install --upgrade --upgrade-strategy only-if-needed $airflow $providers"""
    elif at < Version("2.3.1"):
        body = f"""{nothing}
    {by_name}; {stripped}
    pip install --find-links file://$FOLDER --force-reinstall $airflow $providers --constraint stripped.txt; install_tools
    pip install --upgrade --upgrade-strategy only-if-needed $airflow $providers"""
    elif at < Version("2.9"):
        body = f"""{nothing}
    {by_name}
    local minor limits=""; minor=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    [ "${{USE_CONSTRAINTS_FOR_CONTEXT_PACKAGES:-}}" != true ] \\
        || limits="--constraint $FOLDER/constraints-$minor/$AIRFLOW_CONSTRAINTS_MODE-$minor.txt"
    pip install --find-links file://$FOLDER --upgrade --upgrade-strategy eager $ADDITIONAL_PIP_INSTALL_FLAGS $limits \\
        $airflow $providers $EAGER_UPGRADE_ADDITIONAL_REQUIREMENTS"""
    else:
        return OTHERS + _from_context_by_file(at)
    sorted_files = f"install_sorted() {{{files}    {body}\n    install_tools; pip check\n}}"
    return f"{OTHERS}{sorted_files}\ninstall_from_context() {{ install_sorted; install_others; }}"


def _from_context_by_file(at: Version) -> str:
    """The shell function install_from_context since 2.9: Airflow's own files by their addresses, in one command; then all others."""
    ctl = "apache?airflow?ctl*" if at >= Version("3.3") else "apache?airflow?airflowctl*"
    more = f"apache?airflow?core?[0-9]* apache?airflow?providers* apache?airflow?task?sdk* {ctl}"
    globs = more if at >= Version("3.0") else "apache?airflow?providers*"
    core = "core" if at >= Version("3.0") else ""
    return f"""
spec() {{ [ ! -f "$1" ] || python -c "
import sys; from packaging.utils import parse_wheel_filename
print(parse_wheel_filename(sys.argv[1].rpartition('/')[2])[0] + '$2 @ file://' + sys.argv[1])" "$1"; }}
install_from_context() {{
    cp "$AIRFLOW_CONSTRAINTS_LOCATION" "$HOME/constraints.txt"
    pip install $ADDITIONAL_PIP_INSTALL_FLAGS --constraint "$HOME/constraints.txt" packaging
    local minor limits="" extras="" specs=(); minor=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    [ -z "$AIRFLOW_EXTRAS" ] || extras="[$AIRFLOW_EXTRAS]"
    for file in $FOLDER/apache?airflow?[0-9]*.{{whl,tar.gz}}; do [ ! -f "$file" ] || specs+=("$(spec "$file" "$extras")"); done
    [ ${{#specs[@]}} != 0 ] || specs+=("apache-airflow$extras==$AIRFLOW_VERSION")
    [ -z "{core}" ] || ls $FOLDER/apache?airflow?core?[0-9]*.whl || specs+=("apache-airflow-core==$AIRFLOW_VERSION")
    for glob in {globs}; do for file in $FOLDER/$glob.{{whl,tar.gz}}; do
        [ ! -f "$file" ] || specs+=("$(spec "$file" "")")
    done; done
    [ "${{USE_CONSTRAINTS_FOR_CONTEXT_PACKAGES:-}}${{USE_CONSTRAINTS_FOR_CONTEXT_DISTRIBUTIONS:-}}" != true ] \\
        || limits="--upgrade --constraint $FOLDER/constraints-$minor/$AIRFLOW_CONSTRAINTS_MODE-$minor.txt"
    pip install $ADDITIONAL_PIP_INSTALL_FLAGS $limits "${{specs[@]}}"
    install_tools; pip check; install_others
}}
"""


def _order(at: Version) -> str:
    """The shell commands that call the installs which the arguments choose, in the order of the release."""
    additional = '[ -z "$ADDITIONAL_PYTHON_DEPS" ] || install_additional'
    if at < Version("2.0.1"):
        airflow, context = '[ "$INSTALL_FROM_PYPI" != true ] || install_airflow', "INSTALL_FROM_DOCKER_CONTEXT_FILES"
        return f'{airflow}\n{additional}\n[ "${context}" != true ] || install_from_context'
    if at < Version("2.1"):
        both = '[ "$INSTALL_FROM_PYPI" != true ] || install_airflow'
        return f'{both}\n[ "$INSTALL_FROM_DOCKER_CONTEXT_FILES" != true ] || install_from_context\n{additional}'
    if at < Version("2.3"):
        name, otherwise = "INSTALL_FROM_DOCKER_CONTEXT_FILES", '[ "$INSTALL_FROM_PYPI" = true ]'
    elif at < Version("2.3.4"):
        name, otherwise = "INSTALL_PACKAGES_FROM_CONTEXT", '[ "${AIRFLOW_IS_IN_CONTEXT:-false}" = false ]'
    else:
        name = "INSTALL_DISTRIBUTIONS_FROM_CONTEXT" if at >= Version("3.0") else "INSTALL_PACKAGES_FROM_CONTEXT"
        context = f'[ "${name}" != true ] || install_from_context'
        return f"{context}\nairflow version >/dev/null 2>&1 || install_airflow\n{additional}"
    return (
        f'if [ "${name}" = true ]; then install_from_context; elif {otherwise}; then install_airflow; fi\n{additional}'
    )
