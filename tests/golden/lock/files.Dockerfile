# Copies the files in docker-context-files/files into an image, with no network:
#   docker build --network none -f docker-context-files/files.Dockerfile -t debian:12 .
ARG BASE_IMAGE=debian:12
FROM ${BASE_IMAGE} AS unpacked
USER root
RUN --mount=type=bind,source=docker-context-files/files,target=/docker-context-files/files \
    mkdir -p /unpacked/opt/jdk && tar -xf /docker-context-files/files/jdk.tar.gz -C /unpacked/opt/jdk --no-same-owner --strip-components=1
FROM ${BASE_IMAGE}
# driver.jar: sha256 c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3
COPY docker-context-files/files/driver.jar /opt/lib/
# jdk.tar.gz: sha256 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
COPY --from=unpacked /unpacked/opt/jdk /opt/jdk
# notes.txt: sha256 d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4
# COPY docker-context-files/files/notes.txt /where/it/belongs
