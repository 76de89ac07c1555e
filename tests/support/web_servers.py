"""nginx, Caddy and Apache on a free port, each with the configuration that `wheelhouse index` wrote."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.served import free_port, nginx_serving, running

MODULES = Path("/usr/lib/apache2/modules")
APACHE = """
ServerName localhost
ServerRoot "{folder}"
PidFile "{folder}/apache.pid"
Listen 127.0.0.1:{port}
ErrorLog "{folder}/error.log"
Mutex file:{folder}
{modules}
TypesConfig /dev/null
{user}
DocumentRoot "{folder}"
<Directory />
  AllowOverride None
  Require all denied
</Directory>
Alias /simple "{tree}"
<Directory "{tree}">
  AllowOverride FileInfo
  Options FollowSymLinks
  Require all granted
</Directory>
"""
APACHE_MODULES = ("mpm_event", "authz_core", "alias", "mime", "dir", "setenvif", "rewrite", "headers")


def _program(name: str) -> str:
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    return program


@contextmanager
def nginx_of(tree: Path, folder: Path) -> Iterator[str]:
    """nginx with the `nginx.conf` of an index; the index's address."""
    port = free_port()
    server = f'  server {{ listen 127.0.0.1:{port}; include "{tree}/.wheelhouse/nginx.conf"; }}'
    with nginx_serving(server, port, folder):
        yield f"http://127.0.0.1:{port}/simple/"


@contextmanager
def caddy_of(tree: Path, folder: Path) -> Iterator[str]:
    """Caddy with the `Caddyfile` of an index; the index's address."""
    program, port = _program("caddy"), free_port()
    folder.mkdir()
    site = f'http://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\timport "{tree}/.wheelhouse/Caddyfile"\n}}\n'
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + site)
    command: list[str | Path] = [
        "env",
        f"HOME={folder}",
        program,
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        folder / "Caddyfile",
    ]
    with running(command, port):
        yield f"http://127.0.0.1:{port}/simple/"


@contextmanager
def apache_of(tree: Path, folder: Path) -> Iterator[str]:
    """Apache with the `.htaccess` of an index; the index's address."""
    program, port = _program("apache2"), free_port()
    folder.mkdir()
    modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in APACHE_MODULES)
    user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
    settings = APACHE.format(folder=folder, port=port, modules=modules, user=user, tree=tree)
    (folder / "apache.conf").write_text(settings)
    with running([program, "-X", "-f", folder / "apache.conf"], port):
        yield f"http://127.0.0.1:{port}/simple/"


SERVERS: dict[str, Callable[[Path, Path], AbstractContextManager[str]]] = {
    "nginx": nginx_of,
    "caddy": caddy_of,
    "apache": apache_of,
}
