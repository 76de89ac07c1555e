"""A short Dockerfile of the shape of Airflow's own, for the tests that read one."""

OWN_DOCKERFILE = r"""# syntax=docker/dockerfile:1.4
ARG AIRFLOW_EXTRAS="celery"
ARG AIRFLOW_VERSION="3.3.0"
ARG BASE_IMAGE="debian:trixie-slim"
ARG AIRFLOW_PYTHON_VERSION="3.13.14"
ARG PYTHON_LTO="true"
ARG AIRFLOW_PIP_VERSION=26.9
# ARG AIRFLOW_PIP_VERSION="git+https://git.example/pip.git@main"
ARG AIRFLOW_UV_VERSION=0.99.1
FROM scratch as scripts
COPY <<"EOF" /install_os_dependencies.sh
#!/usr/bin/env bash
RUSTUP_VERSION=${RUSTUP_VERSION:-1.29.0}
COSIGN_VERSION=${COSIGN_VERSION:-3.0.5}
function get_dev_apt_deps() {
    if [[ "${DEV_APT_DEPS=}" == "" ]]; then
        DEV_APT_DEPS="\
build-essential \
libnew-dev \
"
    fi
}
function get_runtime_apt_deps() {
    if [[ "${debian_version}" == "bookworm" ]]; then
        debian_version_apt_deps="libffi8 \
libssl3"
    elif [[ "${debian_version}" == "trixie" ]]; then
        debian_version_apt_deps="libssl3t64"
    else
        debian_version_apt_deps="libssl4"
    fi
    if [[ "${RUNTIME_APT_DEPS=}" == "" ]]; then
        RUNTIME_APT_DEPS="${debian_version_apt_deps} dumb-init \
curl"
    fi
}
function install_docker_cli() {
    curl -fsSL https://download.docker.com/linux/debian/gpg -o /etc/apt/keyrings/docker.asc
    apt-get install -y docker-ce-cli
}
function install_debian_dev_dependencies() {
    apt-get install -yqq --no-install-recommends apt-utils >/dev/null 2>&1
    apt-get install -y --no-install-recommends wget gnupg2
    apt-get install -y --no-install-recommends ${DEV_APT_DEPS}
}
function install_debian_runtime_dependencies() {
    apt-get install -y --no-install-recommends wget
    apt-get install -y --no-install-recommends ${RUNTIME_APT_DEPS}
}
function install_cosign() {
    curl -fsSL --retry 3 \
        "https://github.com/sigstore/cosign/releases/download/v${COSIGN_VERSION}/cosign-linux-amd64" \
        -o /tmp/cosign
}
function install_python() {
    wget "https://www.python.org/ftp/python/Python-${AIRFLOW_PYTHON_VERSION}.tar.xz"
    if [[ "${minor}" -ge 11 ]]; then
        wget "https://www.python.org/ftp/python/Python-${AIRFLOW_PYTHON_VERSION}.tar.xz.sigstore"
        install_cosign
        /tmp/cosign verify-blob --bundle python.tar.xz.sigstore python.tar.xz
    else
        gpg --batch --import "/scripts/docker/keys/python-3.10.asc"
    fi
    if [[ "${PYTHON_LTO:-true}" == "true" ]]; then
        lto_option="--with-lto"
    fi
    ./configure --enable-optimizations ${lto_option}
}
function install_nodejs() {
    curl --retry 3 "https://nodejs.org/dist/v22/node-v22-linux-x64.tar.xz" -o /tmp/nodejs.tar.xz
    corepack enable --install-directory /usr/local/bin
}
function install_rustup() {
    curl --proto '=https' --tlsv1.2 -sSf --retry 3 \
        "https://static.rust-lang.org/rustup/archive/${RUSTUP_VERSION}/x86_64-unknown-linux-gnu/rustup-init" \
        -o /tmp/rustup-init
    /tmp/rustup-init -y --default-toolchain stable
}
function install_extra() {
    curl -fsSL https://extra.example/tool -o /tool
}
EOF
COPY <<"EOF" /install_mysql.sh
common::import_trusted_gpg "0xF1656F24C74CD1D8" "mariadb"
echo "deb https://archive.mariadb.org/repo bookworm main" > /etc/apt/sources.list.d/mariadb.list
EOF
COPY <<"EOF" /common.sh
function common::install_packaging_tools() {
    pip install "pip==${AIRFLOW_PIP_VERSION}"
    if [[ ${AIRFLOW_PREK_VERSION=} == "" ]]; then
        uv tool install prek --with uv --with prek-uv
    else
        uv tool install "prek==${AIRFLOW_PREK_VERSION}" --with "uv==${AIRFLOW_UV_VERSION}"
    fi
}
function common::get_constraints_location() {
    if ! curl -sSf -o "${HOME}/constraints.txt" "${AIRFLOW_CONSTRAINTS_LOCATION}"; then
        touch "${HOME}/constraints.txt"
    fi
}
function common::import_trusted_gpg() {
    gpg --dearmor < "/scripts/docker/keys/${name}.asc" > "/etc/apt/trusted.gpg.d/${name}.gpg"
}
common::other() {
    git clone https://git.example/other.git
}
EOF
COPY <<"EOF" /install_from_docker_context_files.sh
. "$( dirname "${BASH_SOURCE[0]}" )/common.sh"
    ${PACKAGING_TOOL_CMD} install ${ADDITIONAL_PIP_INSTALL_FLAGS} --constraint ${HOME}/constraints.txt packaging
    python /scripts/docker/specs.py /docker-context-files/apache?airflow?[0-9]*.{whl,tar.gz} 2>/dev/null || true)
    python /scripts/docker/specs.py /docker-context-files/apache?airflow?{providers,task?sdk,ctl}*.{whl,tar.gz} || true
EOF
FROM ${BASE_IMAGE} as airflow-build-image
COPY --from=scripts install_os_dependencies.sh install_mysql.sh common.sh /scripts/docker/
COPY scripts/docker/keys/ /scripts/docker/keys/
ARG INSTALL_MYSQL_CLIENT="true"
ARG INSTALL_POSTGRES_CLIENT="true"
RUN PYTHON_LTO=${PYTHON_LTO} bash /scripts/docker/install_os_dependencies.sh dev && bash /scripts/docker/install_mysql.sh dev
ARG DOCKER_CONTEXT_FILES="Dockerfile"
ARG AIRFLOW_VERSION_SPECIFICATION
ARG ADDITIONAL_PIP_INSTALL_FLAGS=""
ARG INSTALL_DISTRIBUTIONS_FROM_CONTEXT="false"
ARG USE_CONSTRAINTS_FOR_CONTEXT_DISTRIBUTIONS="false"
COPY ${DOCKER_CONTEXT_FILES} /docker-context-files
RUN if [[ -f /docker-context-files/pip.conf ]]; then cp /docker-context-files/pip.conf /pip.conf; fi
RUN bash /scripts/docker/common.sh
FROM ${BASE_IMAGE} as main
ARG AIRFLOW_PYTHON_VERSION
COPY scripts/docker/keys/ /scripts/docker/keys/
COPY --from=airflow-build-image /built /built
"""
