# Installs what docker-context-files holds for cp312-manylinux_2_28_x86_64, with no network. The folder is only mounted: no layer keeps it.
#
# As root:              docker build --network none -f docker-context-files/install.Dockerfile -t my-image .
# Extending Airflow's:  add --build-arg BASE_IMAGE=apache/airflow:VERSION-python3.12 --build-arg PIP_OPTIONS=--user
ARG BASE_IMAGE=python:3.12-slim-bookworm
FROM ${BASE_IMAGE}
ARG PIP_OPTIONS=""
RUN --mount=type=bind,source=docker-context-files,target=/docker-context-files \
    export PIP_CONFIG_FILE=/docker-context-files/pip.conf && \
    pip install ${PIP_OPTIONS} --no-cache-dir --require-hashes -r /docker-context-files/requirements.cp312-manylinux_2_28_x86_64.txt
