"""A team of machines, and the key that it trusts, for each test that asks for them."""

from pathlib import Path

import pytest

from tests.support.team import Team
from wheelhouse.signing.sign import Key


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    team = Team(tmp_path, monkeypatch)
    team.trusts()
    return team


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key with its public key beside it."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path, made = tmp_path_factory.mktemp("keys") / "ci", Ed25519PrivateKey.generate()
    raw = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(made.private_bytes(*raw))
    encoding = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    path.with_suffix(".pub").write_bytes(Key(made).public.key.public_bytes(*encoding))
    return path
