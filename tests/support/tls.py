"""A throw-away certificate authority and a server's certificate, made by the `openssl` program."""

import shutil
import subprocess
import unittest
from dataclasses import dataclass
from pathlib import Path

# What RFC 5280 asks of both certificates, which Python 3.13 checks (ssl.VERIFY_X509_STRICT).
_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = wheelhouse tests
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1NAMES
"""
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """PEM files: the authority that a client should trust, and the server's certificate and key."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def pair(self) -> tuple[Path, Path]:
        """What `IndexServer(tls=…)` takes."""
        return self.certificate, self.key


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A certificate for 127.0.0.1, localhost and `names`, good for two days; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        raise unittest.SkipTest("needs the openssl program")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openssl.cnf").write_text(_CONFIG.replace("NAMES", "".join(f", DNS:{name}" for name in names)))
    _openssl(folder, "req", "-x509", *_NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-extensions", "authority")
    _signed(folder, "server")
    return Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def make_client_certificate(folder: Path) -> Path:
    """One PEM file, certificate and key, of a client of the authority that `make_certificate` made in `folder`."""
    _signed(folder, "client")
    both = folder / "client-and-key.pem"
    both.write_bytes((folder / "client.pem").read_bytes() + (folder / "client.key").read_bytes())
    return both


def _signed(folder: Path, name: str) -> None:
    _openssl(folder, "req", "-new", *_NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr")
    signed_by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "2", "-extfile", "openssl.cnf")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed_by, "-extensions", name, "-out", f"{name}.pem")


def _openssl(folder: Path, command: str, *arguments: str) -> None:
    config = ("-config", "openssl.cnf") if command == "req" else ()
    subprocess.run(["openssl", command, *config, "-days", "2", *arguments], cwd=folder, check=True, capture_output=True)
