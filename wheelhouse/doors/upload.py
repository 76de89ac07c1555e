"""Uploading to a package repository, by the API that twine speaks (the "legacy upload API"), on requests."""

from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wheelhouse.doors.connections import bypasses
from wheelhouse.doors.credentials import origin_of, redact
from wheelhouse.doors.http import BUSY, Http
from wheelhouse.errors import InputError, MachineError, ServerError, TransientError
from wheelhouse.model.simple import Offered

if TYPE_CHECKING:
    import ssl

    import requests
    from requests.adapters import HTTPAdapter

MULTIPLE = {
    "Classifier": "classifiers",
    "Requires-Dist": "requires_dist",
    "Provides-Extra": "provides_extra",
    "Project-URL": "project_urls",
    "Platform": "platform",
    "Dynamic": "dynamic",
}
SINGLE = ("Name", "Version", "Metadata-Version", "Summary", "Requires-Python", "License-Expression", "Author")
LONGEST_ANSWER = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said to an upload, its words shortened."""

    status: int
    text: str

    @property
    def taken(self) -> bool:
        """Whether the server took the file."""
        return 200 <= self.status < 300


def form_of(raw_metadata: bytes, project: str, offered: Offered) -> list[tuple[str, str]]:
    """The form's fields beside the file itself, from the file's own metadata; of an sdist only what its name says."""
    is_wheel = offered.filename.endswith(".whl")
    fields = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("filetype", "bdist_wheel" if is_wheel else "sdist"),
        ("pyversion", offered.filename.split("-")[-3] if is_wheel else "source"),
        ("sha256_digest", offered.sha256),
    ]
    if not raw_metadata:
        named = [("name", project), ("version", str(offered.version)), ("metadata_version", "1.1")]
        return [*fields, *named, *([("requires_python", offered.requires_python)] if offered.requires_python else [])]
    message = BytesHeaderParser().parsebytes(raw_metadata.partition(b"\n\n")[0] + b"\n\n")
    single = ((header, message.get(header)) for header in SINGLE)
    fields.extend((header.lower().replace("-", "_"), _folded(value)) for header, value in single if value)
    for header, name in MULTIPLE.items():
        fields.extend((name, _folded(value)) for value in message.get_all(header, ()))
    return fields


def _folded(value: object) -> str:
    return " ".join(str(value).split())


class Repository:
    """Where to upload to. `url` is what twine calls the repository URL; credentials never stand in it."""

    def __init__(self, url: str, http: Http) -> None:
        if "@" in url.partition("://")[2].partition("/")[0]:
            hint = "use --token-file, ~/.netrc or keyring"
            raise InputError("credentials cannot stand in --repository, where others may read them", hint=hint)
        self.url = url
        self._http = http
        self._session = self._new_session()

    def _new_session(self) -> "requests.Session":
        try:
            import requests  # noqa: PLC0415
            import requests_toolbelt  # noqa: F401, PLC0415
        except ImportError as error:
            hint = "install them with: pip install 'airgap-wheelhouse[publish]'"
            raise MachineError(
                "publishing needs requests and requests-toolbelt, which are not installed", hint=hint
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

    def upload(self, path: Path, filename: str, form: list[tuple[str, str]]) -> Answer:
        """Send one file, again while the failure may pass. Raises ServerError for what is neither yes nor no."""
        return self._http.retrying(filename, lambda: self._upload(path, filename, form))

    def _upload(self, path: Path, filename: str, form: list[tuple[str, str]]) -> Answer:
        header = self._http.credentials.header(self.url)
        response = self._post(path, filename, form, header)
        if response.status_code == 401 and (other := self._http.credentials.another(self.url, header)):
            response = self._post(path, filename, form, other)
        answer = Answer(response.status_code, " ".join(response.text.split())[:LONGEST_ANSWER])
        where = redact(self.url)
        if answer.status in BUSY and answer.status != 500:
            raise TransientError(f"{where} answered {answer.status} to {filename}")
        if 300 <= answer.status < 400:
            raise ServerError(
                f"{where} redirects an upload ({answer.status})", hint="name the address that it redirects to"
            )
        if answer.status == 401:
            hint = "give the user and password with --token-file, ~/.netrc or keyring"
            raise ServerError(f"{where} wants to know who uploads (401)", hint=hint)
        return answer

    def _post(self, path: Path, filename: str, form: list[tuple[str, str]], header: str | None) -> "requests.Response":
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
            except requests.exceptions.SSLError as error:
                raise ServerError(
                    f"the certificate of {redact(self.url)} is not trusted", hint="name its authority with --ca-file"
                ) from error
            except requests.RequestException as error:
                raise TransientError(
                    f"{redact(self.url)} broke off the upload of {filename} ({type(error).__name__})"
                ) from error


def _adapter(context: "ssl.SSLContext") -> "HTTPAdapter":
    """A connection with the trust of all others here: by itself requests asks certifi who vouches for a server, not this system."""
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:  # noqa: ANN401
            super().init_poolmanager(*arguments, **settings, ssl_context=context)

        def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:  # noqa: ANN401
            return super().proxy_manager_for(proxy, **settings, ssl_context=context, proxy_ssl_context=context)

        def cert_verify(self, *_: object, **_settings: object) -> None:
            """The context holds the authorities and the client's certificate already."""

    return Adapter()
