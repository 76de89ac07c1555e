"""TLS: the certificate authorities that are trusted, and the client certificate.

OpenSSL's own authorities are used. truststore reads them for each connection (50 ms on Linux), so it serves only where OpenSSL has
none (macOS).
"""

import ssl
import sys
from dataclasses import dataclass

from wheelhouse.errors import InputError


@dataclass(frozen=True, slots=True)
class Trust:
    """`ca_file` and `ca_folder` replace the system's authorities; `client_cert` is a PEM file with certificate and key."""

    ca_file: str | None = None
    ca_folder: str | None = None
    client_cert: str | None = None

    def context(self) -> ssl.SSLContext:
        """A new SSLContext for connections. Raises InputError for files that cannot be used, but not for a missing
        `ca_folder`.
        """
        try:
            context = self._context()
        except (OSError, ssl.SSLError) as error:
            authorities = self.ca_file or self.ca_folder
            hint = "name a PEM file with --ca-file or SSL_CERT_FILE"
            raise InputError(
                f"the certificate authorities in `{authorities}` cannot be read: {_reason(error)}", hint=hint
            ) from error
        if self.client_cert:
            _load_client_cert(context, self.client_cert)
        return context

    def _context(self) -> ssl.SSLContext:
        """A context that trusts the named authorities, else OpenSSL's, else the system's (truststore); no client certificate
        yet.

        Raises OSError if the named ones cannot be read.
        """
        if self.ca_file or self.ca_folder:
            return ssl.create_default_context(cafile=self.ca_file, capath=self.ca_folder)
        if _openssl_has_authorities():
            return ssl.create_default_context()
        import truststore  # noqa: PLC0415  (17 ms, and not needed if OpenSSL finds the authorities itself)

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _openssl_has_authorities() -> bool:
    """Whether this is Linux and OpenSSL finds a file of the system's authorities: then truststore is not needed."""
    paths = ssl.get_default_verify_paths()
    return sys.platform == "linux" and paths.cafile is not None


def _load_client_cert(context: ssl.SSLContext, path: str) -> None:
    """Make a context present a client certificate to servers. Raises InputError if it cannot be used, or its key has a passphrase."""

    def no_password() -> str:
        """Called for the passphrase of an encrypted key: raises InputError."""
        raise InputError(
            f"the key in `{path}` has a passphrase", hint="use a key without a passphrase for --client-cert"
        )

    try:
        context.load_cert_chain(path, password=no_password)
    except (OSError, ssl.SSLError) as error:
        hint = "with --client-cert, name one PEM file that has both the certificate and its key"
        raise InputError(f"the client certificate `{path}` cannot be used: {_reason(error)}", hint=hint) from error


def _reason(error: OSError) -> str:
    """The reason of an error in a few words: OpenSSL's, else the system's, else the text of the error."""
    return getattr(error, "reason", None) or error.strerror or str(error)
