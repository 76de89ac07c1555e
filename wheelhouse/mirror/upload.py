"""Uploading to a package repository, by the API that twine speaks (the "legacy upload API"), on requests."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wheelhouse.errors import InputError, MachineError, ServerError, TransientError
from wheelhouse.extras import install_command
from wheelhouse.index.connections import bypasses, translated, urllib3_error_in
from wheelhouse.index.http import RETRYABLE_STATUSES, Http
from wheelhouse.index.urls import origin_of, redact
from wheelhouse.mirror.upload_form import Form

if TYPE_CHECKING:
    import ssl

    import requests
    from requests.adapters import HTTPAdapter

MAX_REPLY_BYTES = 300


@dataclass(frozen=True, slots=True)
class UploadReply:
    """A server's answer to an upload, with the start of its text."""

    status: int
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the server accepted the file: its status is 2xx."""
        return 200 <= self.status < 300


class Repository:
    """A server that takes uploads. `url` is twine's repository URL; it never holds credentials."""

    def __init__(self, url: str, http: Http) -> None:
        if "@" in url.partition("://")[2].partition("/")[0]:
            hint = "use --token-file, ~/.netrc or keyring"
            raise InputError(
                "--repository contains credentials: other users of this machine could read them in the list of processes",
                hint=hint,
            )
        self.url = url
        self._http = http
        self._session = self._new_session()

    def _new_session(self) -> "requests.Session":
        """A session with the proxies and the trust of this run.

        Raises MachineError if requests is not installed, InputError for a URL or for certificates that cannot be used.
        """
        try:
            import requests  # noqa: PLC0415
            import requests_toolbelt  # noqa: F401, PLC0415
        except ImportError as error:
            hint = f"install them with: {install_command('publish')}"
            raise MachineError(
                "`publish` needs requests and requests-toolbelt, which are not installed", hint=hint
            ) from error
        session = requests.Session()
        session.trust_env = False
        settings = self._http.settings
        session.headers["User-Agent"] = settings.user_agent
        session.proxies = {} if bypasses(origin_of(self.url)[1], settings.no_proxy) else dict(settings.proxies)
        adapter = _adapter(settings.trust.context())
        for scheme in ("http://", "https://"):
            session.mount(scheme, adapter)
        return session

    def upload(self, path: Path, filename: str, form: Form) -> UploadReply:
        """Send one file, with retries, but not after a 500; the reply tells if it was accepted.

        Raises ServerError for a redirect, 401, or if all tries fail.
        """
        return self._http.retrying(filename, lambda: self._upload(path, filename, form))

    def _upload(self, path: Path, filename: str, form: Form) -> UploadReply:
        """Send one file once; after a 401, again with other credentials, if any.

        Raises ServerError for a redirect or 401; TransientError to try again, without an answer and for RETRYABLE_STATUSES
        but 500.
        """
        header = self._http.credentials.auth(self.url)
        response = self._post(path, filename, form, header)
        if response.status_code == 401 and (other := self._http.credentials.auth(self.url, (header,))):
            response = self._post(path, filename, form, other)
        answer = UploadReply(response.status_code, " ".join(response.text.split())[:MAX_REPLY_BYTES])
        address = redact(self.url)
        if answer.status in RETRYABLE_STATUSES and answer.status != 500:
            raise TransientError(f"{address} answered {answer.status} to the upload of {filename}")
        if 300 <= answer.status < 400:
            raise ServerError(
                f"{address} redirects an upload ({answer.status})", hint="give the address that it redirects to"
            )
        if answer.status == 401:
            hint = "give the user and password with --token-file, ~/.netrc or keyring"
            raise ServerError(f"{address} requires credentials, or does not accept these credentials (401)", hint=hint)
        return answer

    def _post(self, path: Path, filename: str, form: Form, header: str | None) -> "requests.Response":
        """Post the form and the file; redirects are not followed. Raises ServerError or TransientError if there is no answer."""
        import requests  # noqa: PLC0415
        from requests_toolbelt import MultipartEncoder  # noqa: PLC0415

        with path.open("rb") as file:
            body = MultipartEncoder([*form, ("content", (filename, file, "application/octet-stream"))])
            headers = {"Content-Type": body.content_type} | ({"Authorization": header} if header else {})
            try:
                timeout = self._http.settings.timeout
                return self._session.post(
                    self.url, data=body, headers=headers, timeout=(timeout, 8 * timeout), allow_redirects=False
                )
            except requests.RequestException as error:
                cause = urllib3_error_in(error)
                if cause is None:
                    raise ServerError(f"the upload to {redact(self.url)} failed: {type(error).__name__}") from error
                with translated(self.url):
                    raise cause from cause.__cause__


def _adapter(context: "ssl.SSLContext") -> "HTTPAdapter":
    """An adapter of requests with this trust, also for proxies: requests by itself trusts certifi's authorities, not the system's."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401
            """Make the pool of connections with the context."""
            super().init_poolmanager(*arguments, **settings, ssl_context=context)

        def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:  # noqa: ANN401
            """The connections through a proxy, with the context for the proxy and for the server."""
            return super().proxy_manager_for(proxy, **settings, ssl_context=context, proxy_ssl_context=context)

        def cert_verify(self, *_: object, **_settings: object) -> None:
            """Do nothing: the context holds the authorities and the client's certificate already."""

    return Adapter()
