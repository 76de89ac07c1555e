"""What a Dockerfile asks a network for: made ones of every kind, and Airflow's own where a folder has them."""

import os
from pathlib import Path

import pytest

from wheelhouse.dockerfile.dockerfile_syntax import parse_dockerfile
from wheelhouse.dockerfile.network_needs import network_needs
from wheelhouse.errors import InputError

Need = tuple[int, str, str]
CORPUS: dict[str, tuple[str, list[Need]]] = {
    "a variable in FROM": (
        "ARG PYTHON=3.12\nARG SUITE=bookworm\nFROM python:${PYTHON}-slim-${SUITE:-trixie}\n",
        [(3, "base-image", "python:3.12-slim-bookworm")],
    ),
    "several stages": (
        "FROM debian:12 AS build\nFROM scratch AS empty\nFROM build\nCOPY --from=build /a /a\nCOPY --from=0 /b /b\n"
        "COPY --from=ghcr.io/tool:1 /t /t\nRUN --mount=type=bind,from=other:2,target=/o true\n",
        [(1, "base-image", "debian:12"), (6, "copied-image", "ghcr.io/tool:1"), (7, "copied-image", "other:2")],
    ),
    "continuation lines with comments": (
        "FROM x\nRUN apt-get update \\\n && apt-get install -y \\\n      git \\\n # why\n\n      curl=7.88.1-10 \\\n"
        " && rm -rf /var/lib/apt/lists/*\n",
        [(1, "base-image", "x"), (2, "apt-update", ""), (3, "apt-install", "git curl=7.88.1-10")],
    ),
    "a script in a here-document": (
        "FROM x\nRUN <<EOF bash\nset -e\nif [ -n \"$A\" ]; then\n  pip install flask\nfi\nEOF\nRUN <<-'E1'\n\tgit clone https://git.example/r.git\n\tE1\n",
        [(1, "base-image", "x"), (5, "pip", "flask"), (9, "git", "https://git.example/r.git")],
    ),
    "a program in a here-document": (
        "FROM x\nRUN <<EOF\n#!/usr/bin/env python3\nimport urllib.request\nEOF\nRUN python3 <<EOF\nimport socket\nEOF\n"
        "RUN python3 <<EOF\nprint(1)\nEOF\nRUN <<EOF\n#!/usr/bin/perl\nprint 1;\nEOF\nRUN <<EOF\n#!\nEOF\nRUN cat <<EOF > f\ncurl\nEOF\n",
        [
            (1, "base-image", "x"),
            (3, "unknown", "python"),
            (7, "unknown", "python"),
            (13, "unknown", "perl"),
            (17, "unknown", "nothing"),
        ],
    ),
    "a script that the Dockerfile writes": (
        'FROM x AS scripts\nCOPY <<"EOF" /install.sh\n#!/bin/bash\nget() {\n  curl -fsSL "https://e.example/$1" -o f\n}\nget a\nEOF\n'
        "FROM y\nCOPY --from=scripts /install.sh /scripts/\nRUN bash /scripts/install.sh dev\n",
        [(1, "base-image", "x"), (9, "base-image", "y"), (5, "download", "https://e.example/$1")],
    ),
    "a function that runs its arguments": (
        'FROM x\nRUN retry() { for i in 1 2 3; do "$@" && return; done; }; \\\n  retry apt-get update; retry apt-get install -y git\n'
        'RUN <<EOF\nretry() {\n  until "$@"; do sleep 1; done\n}\nlog() { echo "${1}"; }\nretry retry curl https://e.example/a\n'
        'log apt-get update\nEOF\nRUN <<EOF\nrun() { "$@"; }\nrun git clone https://e.example/r.git\nexec "$@"\nEOF\n',
        [
            (1, "base-image", "x"),
            (3, "apt-update", ""),
            (3, "apt-install", "git"),
            (9, "download", "https://e.example/a"),
            (13, "unknown", "$@"),
            (14, "git", "https://e.example/r.git"),
            (15, "unknown", "$@"),
        ],
    ),
    "corepack": (
        "FROM x\nRUN corepack enable --install-directory /b\nRUN corepack prepare pnpm@9 --activate\n",
        [(1, "base-image", "x"), (3, "npm", "pnpm@9")],
    ),
    "ONBUILD": ("FROM x\nONBUILD RUN npm ci\nONBUILD COPY . .\n", [(1, "base-image", "x"), (2, "npm", "")]),
    "ADD of addresses": (
        'FROM x\nARG V=1.2\nADD https://e.example/a-${V}.tgz /a\nADD ["https://e.example/b.tgz", "/b"]\nADD local /c\n',
        [
            (1, "base-image", "x"),
            (3, "address", "https://e.example/a-1.2.tgz"),
            (4, "address", "https://e.example/b.tgz"),
        ],
    ),
    "a syntax line": (
        "# syntax=docker/dockerfile:1.4\n# escape=\\\nFROM x\n# syntax=no/directive\n",
        [(1, "frontend", "docker/dockerfile:1.4"), (3, "base-image", "x")],
    ),
    "another escape": (
        "# escape=`\nFROM x\nRUN apt-get update && `\n    apt-get install -y git\n",
        [(2, "base-image", "x"), (3, "apt-update", ""), (4, "apt-install", "git")],
    ),
    "pip and uv": (
        "FROM x\nRUN pip install --no-cache-dir -r requirements.txt -c c.txt 'a[b]==1'\nRUN python3.12 -m pip install b\n"
        "RUN pip install --no-index --find-links /w c\nRUN uv pip install -r r.txt && uv sync --offline && uv sync\n"
        "RUN uv pip install --offline d\n",
        [
            (1, "base-image", "x"),
            (2, "pip", "a[b]==1 requirements.txt c.txt"),
            (3, "pip", "b"),
            (5, "pip", "r.txt"),
            (5, "uv", "sync"),
        ],
    ),
    "an address to a pipe": (
        'FROM x\nRUN set -o pipefail; curl -sSL https://i.example/get.sh | bash -s -- -y\nRUN ["wget", "-q", "https://i.example/x"]\n'
        'RUN echo "$(curl -s https://i.example/v)" > /v\n',
        [
            (1, "base-image", "x"),
            (2, "download", "https://i.example/get.sh"),
            (3, "download", "https://i.example/x"),
            (4, "download", "https://i.example/v"),
        ],
    ),
    "other package managers": (
        "FROM x\nRUN apk add --no-cache gcc\nRUN dnf install -y make && yum clean all\nRUN yarn --frozen-lockfile\nRUN npx tsc\n"
        "RUN cargo build --offline\nRUN cargo install ripgrep\nRUN gpg --keyserver hkps://k.example --recv-keys 0xAB\n",
        [
            (1, "base-image", "x"),
            (2, "apk", "gcc"),
            (3, "rpm", "make"),
            (4, "npm", ""),
            (5, "npm", "tsc"),
            (7, "other", "ripgrep"),
            (8, "key-server", "hkps://k.example"),
        ],
    ),
    "no network and nothing asked": (
        "FROM scratch\nRUN --network=none pip install x\nRUN mkdir -p /a && cp -r b c # curl https://no.example\n"
        "ENV A=1 B='two words'\nRUN if [[ -n $A && $B == curl ]]; then echo 'wget x'; fi > \\\n  /dev/null\nCMD [\"curl\", \"x\"]\n"
        "HEALTHCHECK CMD curl localhost\n",
        [],
    ),
    "lists in variables": (
        "FROM x\nARG DEPS=\"git \\\n   curl\"\nENV MORE=jq CMD='wget https://e.example/a'\nRUN sudo -E apt-get install -y ${DEPS} $MORE\n"
        'RUN bash -o pipefail -c "${CMD}"\n',
        [(1, "base-image", "x"), (5, "apt-install", "git curl jq"), (6, "download", "https://e.example/a")],
    ),
    "the branches of a case": (
        'FROM x\nRUN set -eux; case "$(uname -m)" in \\\n  x86_64|amd64) curl -O https://e.example/1;; \\\n'
        "  (arm64) wget https://e.example/2;; \\\n  *) exit 1;; \\\n esac; (case $A in a) apk add b;; esac; wget https://e.example/3)\n"
        "RUN <<EOF\ncase $1 in\n  c)\n    curl https://e.example/4\n    ;;\n  'd e'|f) make;;\nesac\ncurl https://e.example/5\nEOF\n",
        [
            (1, "base-image", "x"),
            (3, "download", "https://e.example/1"),
            (4, "download", "https://e.example/2"),
            (6, "apk", "b"),
            (6, "download", "https://e.example/3"),
            (10, "download", "https://e.example/4"),
            (12, "unknown", "make"),
            (14, "download", "https://e.example/5"),
        ],
    ),
    "another shell": (
        '# check=skip=JSONArgsRecommended\n# syntax=docker/dockerfile:1\nFROM x\nSHELL ["/bin/bash", "-o", "pipefail", "-c"]\n'
        'RUN curl https://e.example/1\nSHELL ["python3", "-c"]\nRUN print(1)\nRUN import urllib.request\nRUN <<EOF\nimport socket\nEOF\n'
        'SHELL ["powershell", "-command"]\nRUN Invoke-WebRequest x\nFROM y\nRUN wget https://e.example/2\n',
        [
            (2, "frontend", "docker/dockerfile:1"),
            (3, "base-image", "x"),
            (5, "download", "https://e.example/1"),
            (8, "unknown", "python"),
            (9, "unknown", "python"),
            (13, "unknown", "powershell"),
            (14, "base-image", "y"),
            (15, "download", "https://e.example/2"),
        ],
    ),
    "settings that keep pip and uv offline": (
        "FROM x\nENV PIP_NO_INDEX=1 UV_OFFLINE=true\nRUN pip install a && uv pip install b && uv sync && uvx c\n"
        "ENV PIP_NO_INDEX=0\nRUN pip install -e '.[dev]'\nFROM x\nRUN uv sync\n",
        [(1, "base-image", "x"), (5, "pip", ".[dev]"), (6, "base-image", "x"), (7, "uv", "sync")],
    ),
    "options before the action": (
        "FROM x\nRUN npm --prefix web install && npm --unheard-of 7 ci\nRUN git -C s lfs pull && git remote update && git init\n"
        "RUN dnf --releasever 9 -y install gcc\nRUN conda install -c forge numpy\nRUN apk --root /r add b\n"
        "RUN go -C d build -mod=vendor . && go mod download\nRUN cargo build --frozen && cargo -v fetch\n",
        [
            (1, "base-image", "x"),
            (2, "npm", ""),
            (3, "git", ""),
            (4, "rpm", "gcc"),
            (5, "conda", "numpy"),
            (6, "apk", "b"),
            (7, "other", "download"),
            (8, "other", ""),
        ],
    ),
    "what runs what else": (
        "FROM x\nRUN su - app -c 'pip install a'\nRUN busybox wget https://e.example/1\nRUN rpm -i https://e.example/a.rpm b.rpm\n"
        "RUN npm run build && yarn build\nRUN gosu app env A=1 timeout 5 curl https://e.example/2\nRUN add-apt-repository ppa:a/b\n"
        'RUN uv run --no-sync app; poetry install --no-root; gem install b; ssh-keyscan h\nRUN eval "$(curl https://e.example/3)"\n',
        [
            (1, "base-image", "x"),
            (2, "pip", "a"),
            (3, "download", "https://e.example/1"),
            (4, "download", "https://e.example/a.rpm"),
            (5, "unknown", "npm run build"),
            (5, "unknown", "yarn build"),
            (6, "download", "https://e.example/2"),
            (7, "repository", "ppa:a/b"),
            (8, "pip", ""),
            (8, "other", "b"),
            (8, "other", "h"),
            (9, "download", "https://e.example/3"),
        ],
    ),
    "ADD with a digest, and of repositories": (
        "FROM x\nADD --checksum=sha256:aa https://e.example/a.tgz /a\nADD --keep-git-dir=true https://g.example/r.git#v1 /r\n"
        "ADD git@g.example:o/r.git /s\nONBUILD ADD ssh://git@g.example/r.git /t\nCOPY --link --from=busybox:1 /b /b\n",
        [
            (1, "base-image", "x"),
            (2, "address", "https://e.example/a.tgz"),
            (3, "address", "https://g.example/r.git#v1"),
            (4, "address", "git@g.example:o/r.git"),
            (5, "address", "ssh://git@g.example/r.git"),
            (6, "copied-image", "busybox:1"),
        ],
    ),
    "a line that goes on after a here-document": (
        "FROM x\nRUN cat <<EOF > /etc/x && pip install a\ncurl\nEOF\nRUN sh <<EOF && pip install c\npip install b\nEOF\n"
        "RUN cd /x && sudo bash <<'E-1'\npip install d\nE-1\nRUN cat <<A | bash -s x; cat <<B\npip install e\nA\npip install no\nB\n"
        "RUN python3 /x.py <<EOF\nprint(1)\nEOF\nRUN true && python3 -u - <<EOF\nprint(1)\nEOF\n"
        "RUN bash <<EOF; cat <<EOF\npip install f\nEOF\ntrue\nEOF\n",
        [
            (1, "base-image", "x"),
            (2, "pip", "a"),
            (6, "pip", "b"),
            (5, "pip", "c"),
            (9, "pip", "d"),
            (12, "pip", "e"),
            (16, "unknown", "python"),
            (23, "pip", "f"),
        ],
    ),
    "commands in the arguments of commands": (
        'FROM x\nRUN X="a`curl https://e.example/1`b"\nRUN eval pip install a\nRUN eval "$(dircolors)"\n'
        "RUN find / -name '*.whl' -exec pip install {} \\; -execdir sh -c 'uv sync' + -ok rm {} ';'\nRUN find / -delete\n"
        "RUN trap 'pip install b' EXIT && trap - EXIT && trap -p && trap '' INT && trap -- \"apt-get update\" ERR\n"
        "RUN ls | xargs -0 -n 1 -P4 --max-procs=2 pip install --no-index -f /w -r a.txt\nRUN xargs -I {} pip install {} && xargs\n",
        [
            (1, "base-image", "x"),
            (2, "download", "https://e.example/1"),
            (3, "pip", "a"),
            (4, "unknown", "dircolors"),
            (5, "pip", "{}"),
            (5, "uv", "sync"),
            (7, "pip", "b"),
            (7, "apt-update", ""),
            (9, "pip", "{}"),
        ],
    ),
    "options of pip, uv, git, apt and gpg before the action": (
        "FROM x\nRUN uv --quiet pip install a\nRUN uv --directory pip sync\nRUN uv add --no-sync b && uv run --no-sync b\n"
        "RUN uv self update && uv self version\nRUN pip --proxy http://x install c\nRUN pip --cert x install d\n"
        "RUN pip --log x install e && pip uninstall wheel\nRUN pip index versions f\nRUN git --git-dir x fetch\n"
        "RUN git --work-tree x pull\nRUN apt -a amd64 install git\nRUN gpg --fetch-keys https://x/k\nRUN uv --offline pip install g\n",
        [
            (1, "base-image", "x"),
            (2, "pip", "a"),
            (3, "uv", "sync"),
            (4, "uv", "add b"),
            (5, "uv", "self update"),
            (6, "pip", "c"),
            (7, "pip", "d"),
            (8, "pip", "e"),
            (9, "pip", "f"),
            (10, "git", ""),
            (11, "git", ""),
            (12, "apt-install", "git"),
            (13, "key-server", "https://x/k"),
        ],
    ),
    "a text of `sh -c` that names itself": (
        'FROM x\nENV X=\'pip install a; sh -c "$X"\'\nRUN sh -c "$X"\n',
        [(1, "base-image", "x"), (3, "pip", "a"), (3, "unknown", "sh")],
    ),
    "texts of a shell with arguments": (
        "FROM x\nRUN find / -name '*.so*' -exec sh -c 'for f do strip \"$f\"; done' sh {} +\n"
        'RUN find / -exec sh -c \'if [ -L "$1" ]; then rm "$1"; fi\' _ {} \\;\n'
        'RUN find / -exec bash -c \'for f in "$@"; do echo "$f"; done\' _ {} + -exec sh -c \'(cd "$1" && rm x)\' _ {} \\;\n'
        "RUN ls | xargs -0 sh -c 'if true; then rm \"$1\"; fi' _\n"
        "RUN bash -Eeuo pipefail -c 'pip install a' _ {}\nRUN sh -c 'exec \"$@\"' _ pip install b\n"
        "RUN find / -exec sh -c 'for f do pip install \"$f\"; done' _ {} +\n"
        "RUN bash /c.sh -s -c 'pip install c'\n",
        [
            (1, "base-image", "x"),
            (6, "pip", "a"),
            (7, "unknown", "$@"),
            (8, "pip", "$f"),
            (9, "unknown", "/c.sh"),
        ],
    ),
    "here-documents of a Python with options": (
        "FROM x\nRUN python3 - a b <<E\nprint(1)\nE\nRUN python3 -W ignore <<E\nprint(1)\nE\n"
        "RUN python3 -X utf8 - a <<E\nprint(1)\nE\nRUN python3 -W ignore - <<E\nimport requests\nE\n"
        "RUN python3 -X utf8 /x.py <<E\nprint(1)\nE\nRUN python3 -m http.server - <<E\nprint(1)\nE\n",
        [
            (1, "base-image", "x"),
            (12, "unknown", "python"),
            (14, "unknown", "python"),
            (17, "unknown", "python -m http.server"),
        ],
    ),
    "here-documents that a shell runs, or only passes on": (
        "FROM x\nRUN sudo sh -c 'cat > /etc/foo.conf' <<E\nserver = foo\nE\nRUN bash /opt/install.sh <<E\nno\nE\n"
        "RUN bash -euxo pipefail <<E\npip install a\nE\nRUN bash -es x <<E\npip install b\nE\nRUN bash - <<E\npip install c\nE\n",
        [
            (1, "base-image", "x"),
            (5, "unknown", "/opt/install.sh"),
            (9, "pip", "a"),
            (12, "pip", "b"),
            (15, "pip", "c"),
        ],
    ),
    "what eval and trap run": (
        'FROM x\nRUN eval "VAR_$i=\\"\\$foo\\""\nRUN eval "${n}_X=a;pip install a"\nRUN eval "A_$i=1 pip install b"\n'
        "RUN trap 'kill $(jobs -p)' EXIT; shopt -s nullglob\nRUN eval 'A_$i=$(curl https://e.example/1)'\n",
        [
            (1, "base-image", "x"),
            (3, "pip", "a"),
            (4, "pip", "b"),
            (6, "download", "https://e.example/1"),
        ],
    ),
    "substitutions in expansions, arithmetic and arrays": (
        "FROM x\nRUN echo ${Y:-$(curl https://e.example/1)}\nRUN echo ${Y:-`curl https://e.example/2`}\n"
        'RUN echo ${Y:-${Z:-"$(curl https://e.example/3)"}}\nRUN echo $(( $(curl https://e.example/4) + 1 ))\n'
        "RUN echo $((3*(1+$(curl https://e.example/5)))) && pip install a\nRUN X=($(curl https://e.example/6) b)\n"
        'RUN X=(awk \'{print $(NF)}\' "it\'s" \\$(x) "$(curl https://e.example/7)" "that\'s") Y=${X//\\//-}\n'
        "RUN echo \\\n ${Y:-\\\n $(curl https://e.example/8)} \\\n && pip install b\n",
        [
            (1, "base-image", "x"),
            (2, "download", "https://e.example/1"),
            (3, "download", "https://e.example/2"),
            (4, "download", "https://e.example/3"),
            (5, "download", "https://e.example/4"),
            (6, "download", "https://e.example/5"),
            (6, "pip", "a"),
            (7, "download", "https://e.example/6"),
            (8, "download", "https://e.example/7"),
            (11, "download", "https://e.example/8"),
            (12, "pip", "b"),
        ],
    ),
    "options of what starts a program": (
        "FROM scratch\nRUN sudo -n pip install a\nRUN sudo -n curl https://e.example/1\nRUN nice -n 5 ionice -c 2 -n 7 pip install b\n"
        "RUN timeout -k 5 -s KILL 10 pip install c\nRUN runuser -u app -- pip install d\nRUN sudo --user app -g app pip install e\n"
        "RUN runuser - app -c 'pip install f'\nRUN env -C /d A=1 pip install g\nRUN command -v curl && command -V wget\n"
        "RUN command -p curl https://e.example/2\nRUN exec -a x stdbuf -o L time -o f pip install h\n"
        "RUN runuser --user=app pip install i\nRUN timeout --kill-after=5 10 pip install j\n",
        [
            (2, "pip", "a"),
            (3, "download", "https://e.example/1"),
            (4, "pip", "b"),
            (5, "pip", "c"),
            (6, "pip", "d"),
            (7, "pip", "e"),
            (8, "pip", "f"),
            (9, "pip", "g"),
            (11, "download", "https://e.example/2"),
            (12, "pip", "h"),
            (13, "pip", "i"),
            (14, "pip", "j"),
        ],
    ),
    "substitutions in redirections": (
        'FROM scratch\nRUN bash <<< "$(curl https://e.example/1)"\nRUN cat <<< `curl https://e.example/2`\n'
        'RUN echo hi > "$(curl https://e.example/3)"\nRUN cat > ${X:-$(curl https://e.example/4)} && pip install a\n'
        "RUN cat 2>&1 >> \\\n  '$(curl x)' 2> \\$x < <(curl https://e.example/5) && pip install b\nRUN > f pip install c\n"
        "RUN cat >/dev/null 2>&1; pip install d\n",
        [
            (2, "download", "https://e.example/1"),
            (3, "download", "https://e.example/2"),
            (4, "download", "https://e.example/3"),
            (5, "download", "https://e.example/4"),
            (5, "pip", "a"),
            (7, "download", "https://e.example/5"),
            (7, "pip", "b"),
            (8, "pip", "c"),
            (9, "pip", "d"),
        ],
    ),
    "substitutions in here-documents": (
        "FROM scratch\nRUN cat <<EOF > /f\nit's\n'$(curl https://e.example/1)' \\$(curl no) \\`curl no`\nEOF\n"
        "RUN cat <<'EOF' > /f\n$(curl no)\nEOF\nRUN while read -r x; do echo $x; done <<-EOF\n\"\n`curl https://e.example/2`\nEOF\n"
        "RUN <<END\ncat <<EOF > /f\n$((1 + 1)) $(curl https://e.example/3)\nEOF\ncat <<\\EOF\n$(curl no)\nEOF\n"
        "pip install a\nEND\nRUN sh <<EOF\npip install $(curl https://e.example/4)\nEOF\nCOPY <<EOF /f\n$(curl no)\nEOF\n",
        [
            (4, "download", "https://e.example/1"),
            (11, "download", "https://e.example/2"),
            (15, "download", "https://e.example/3"),
            (20, "pip", "a"),
            (23, "pip", "$(curl https://e.example/4)"),
            (23, "download", "https://e.example/4"),
        ],
    ),
    "ENV without an equals sign": (
        "FROM scratch\nENV OPTS PIP_NO_INDEX=1\nRUN pip install a\nENV DEPS   git  'jq'\nRUN apt-get install $DEPS\n"
        "ENV PIP_NO_INDEX 1\nRUN pip install b\nENV C\nRUN pip install $C && curl $C\n",
        [(3, "pip", "a"), (5, "apt-install", "git jq"), (9, "download", "$C")],
    ),
    "operators in ENV and ARG": (
        "FROM scratch\nENV U=https://e.example/?a=1&b=2 V='|'\nRUN curl $U\nENV A=a;b B=c|d\nRUN curl https://$A/$B\n"
        'ARG D=x&&y E="it\'s\\"" #F\nRUN curl https://$D/${E:+z}\nENV G=(1) H=\\;\\"\nRUN curl https://e.example/\'$G$H\'\n',
        [
            (3, "download", "https://e.example/?a=1&b=2"),
            (5, "download", "https://a;b/c|d"),
            (7, "download", "https://x&&y/z"),
            (9, "download", 'https://e.example/(1);"'),
        ],
    ),
    "ENV before and after ARG": (
        "FROM scratch\nENV X=a\nARG X=b\nRUN curl https://$X\nFROM scratch\nARG X=c\nRUN curl https://$X\nENV X=d\nRUN curl https://$X\n",
        [(4, "download", "https://a"), (7, "download", "https://c"), (9, "download", "https://d")],
    ),
    "variables in the JSON form of ADD": (
        'FROM scratch\nARG B=https://e.example\nADD ["$B/a.tgz", "${B}/b.tgz", "/a"]\n',
        [(3, "address", "https://e.example/a.tgz https://e.example/b.tgz")],
    ),
    "options of an interpreter after #!": (
        "FROM scratch\nRUN <<EOF\n#!/usr/bin/python3 -u\nimport socket\nEOF\nRUN <<EOF\n#!/usr/bin/env -S python3 -u\nprint(1)\nEOF\n"
        "RUN <<EOF\n#! /bin/bash -eu\npip install a\nEOF\nRUN <<EOF\n#!/usr/share/perl -w\npip install no\nEOF\n"
        "RUN <<EOF\n#!/usr/bin/env -S uv run --script\nimport requests\nEOF\n",
        [(3, "unknown", "python"), (12, "pip", "a"), (15, "unknown", "perl"), (19, "uv", "run")],
    ),
    "backslashes at the end of a line": (
        "FROM scratch\nRUN echo a \\\\\nRUN pip install a \\ \t\n  b\nRUN echo \\\\\\\nRUN pip install c\n",
        [(3, "pip", "a b"), (6, "pip", "c")],
    ),
    "characters that end no line": (
        "FROM scratch\r\nRUN echo a\u2028b\x0c\x1c\x85 && pip install a \\\r\n b\r\nRUN <<EOF\r\npip install c\r\nEOF\r\n",
        [(2, "pip", "a b"), (5, "pip", "c")],
    ),
    "an empty text of a shell": (
        'FROM x\nRUN sh -c ""\nRUN ["bash", "-ec", ""]\nRUN sh -c \'\' pip install a\n',
        [(1, "base-image", "x")],
    ),
    "a here-document for no file": ("FROM a\nCOPY --chown=<<EOF\nx\nEOF\n", [(1, "base-image", "a")]),
    "a stage that there is not": (
        f"FROM a\nCOPY --from={'9' * 5000} /a /b\nCOPY --from=00 /a /b\n",
        [(1, "base-image", "a"), (2, "copied-image", "9" * 5000)],
    ),
    "brackets that are no JSON": (
        f"FROM a\nSHELL {'[' * 50_000}\nADD {'[' * 50_000} b\nRUN {'[' * 5_000}\n",
        [(1, "base-image", "a"), (4, "unknown", "[" * 5_000)],
    ),
    "what is not known": (
        "FROM x\nFROBNICATE now\nRUN make all\nRUN ./configure.sh --x\nRUN python -c 'import urllib.request'\nRUN python -c 'print(1)'\n",
        [
            (1, "base-image", "x"),
            (2, "instruction", "FROBNICATE"),
            (3, "unknown", "make"),
            (4, "unknown", "./configure.sh"),
            (5, "unknown", "python"),
        ],
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_every_instruction_that_asks_a_network_is_found(name: str) -> None:
    text, expected = CORPUS[name]
    needs = network_needs(parse_dockerfile(text, "it"))
    assert [(need.line, need.kind, " ".join((*need.subjects, *need.files))) for need in needs] == expected


@pytest.mark.parametrize("end", ["\\", "\\\n\n", "\\\n\\\n", "\\\n# more\n"])
def test_a_continuation_of_nothing_is_no_instruction(end: str) -> None:
    assert [one.keyword for one in parse_dockerfile(f"FROM a\n{end}", "it").instructions] == ["FROM"]


def test_a_build_argument_takes_the_place_of_a_default() -> None:
    dockerfile = parse_dockerfile("ARG BASE=a:1\nFROM ${BASE}\nARG X\nADD https://e.example/$X /x\n", "it")
    needs = network_needs(dockerfile, {"BASE": "b:2", "X": "y"})
    assert [need.subjects for need in needs] == [("b:2",), ("https://e.example/y",)]


def test_a_trigger_is_marked() -> None:
    needs = network_needs(parse_dockerfile(CORPUS["ONBUILD"][0], "it"))
    assert [need.is_trigger for need in needs] == [False, True]


@pytest.mark.parametrize("text", ["", "RUN true\n", "just text\n"])
def test_what_is_no_dockerfile_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="has no FROM"):
        parse_dockerfile(text, "it")


def test_a_here_document_without_an_end_is_refused_with_its_line() -> None:
    with pytest.raises(InputError, match="it:2: the here-document `EOF` has no end"):
        parse_dockerfile("FROM x\nRUN <<EOF\ntrue\n", "it")


@pytest.mark.parametrize(
    "text",
    [
        "FROM x\nRUN " + "$(" * 2000,
        "FROM x\nRUN <<E\n" + "\n" * 100_000 + "E\n",
        "FROM x\nRUN '\"`${ (",
        "FROM x\nRUN ${a'\nRUN X=(\"\nRUN $((\\\nRUN " + "${a" * 2000 + "$(b" * 2000,
        "FROM x\nRUN [[ a\nRUN x=(\n",
        "FROM\nRUN\nADD\nARG\n",
        'FROM x\nENV X=\'sh -c "$X"\'\nRUN sh -c "$X"\n',
        "FROM x\nENV X='sh -c \\'$X\\'; sh -c $X 1; eval $X 2'\nRUN sh -c \"$X\"\n",
        'FROM x\nENV X=\'eval "$X"; eval "$X"\'\nRUN eval "$X"\n',
        f"FROM x\nENV X={'$X' * 2000}\nRUN echo $X\n",
        "FROM x\nENV X0=aaaaaaaaaa\n"
        + "".join(f"ENV X{n + 1}={f'$X{n}' * 50}\n" for n in range(20))
        + "RUN echo $X20\n",
        f"FROM x\nRUN cat <<E\n{'$(' * 2000}{'`' * 2001}\nE\n",
        f"FROM x\nRUN cat <<E\n{'a$((' * 50_000}\nE\n",
    ],
)
def test_hostile_texts_end(text: str) -> None:
    network_needs(parse_dockerfile(text, "it"))


OWN = sorted(Path(os.environ.get("WHEELHOUSE_DOCKERFILES", "/nowhere")).glob("Dockerfile*"))
OWN = [path for path in OWN if path.stat().st_size]


@pytest.mark.skipif(not OWN, reason="WHEELHOUSE_DOCKERFILES names no folder with Airflow's Dockerfiles")
@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_airflows_own_dockerfiles_are_read(path: Path) -> None:
    needs = network_needs(parse_dockerfile(path.read_text(), path.name))
    kinds = {need.kind for need in needs}
    assert {"base-image", "apt-install", "apt-update"} <= kinds
    assert "instruction" not in kinds
