"""A review without a browser: the queue, decisions of two reviewers, and what is refused."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.support.reviews import made_keys, made_pair
from wheelhouse.errors import IntegrityError, WheelhouseError
from wheelhouse.findings import Policy
from wheelhouse.report.formats import as_review_page
from wheelhouse.review.access import COOKIE, Access, Request
from wheelhouse.review.application import Answer, Application, state_of
from wheelhouse.review.desk import ApprovalsFile, Desk, Reviewer
from wheelhouse.signing.sign import load_key, load_public_key
from wheelhouse.vet.approvals import Approvals, Role
from wheelhouse.vet.approvalsfile import ApprovalRules, read_approvals
from wheelhouse.vet.approve import files_of
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.gather_evidence import evidence
from wheelhouse.vet.review_queue import Standing, review_queue
from wheelhouse.vet.vet import VetContext, vet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PROVIDERS = ("amazon", "docker", "http", "slack")
AIRFLOW = "apache_airflow-2.10.5-py3-none-any.whl"
ACCESS = Access(8123, "token", "place", "secret")
DeskOf = Callable[[str], Desk]


def provider(name: str) -> str:
    return f"apache_airflow_providers_{name}-1.1-py3-none-any.whl"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    made_pair(folder, PROVIDERS)
    made_keys(folder / "keys", "ada", "bob")
    return folder


@pytest.fixture
def rules(pair: Path, tmp_path: Path) -> ApprovalRules:
    keys = {name: (load_public_key(pair / f"keys/{name}.pub"),) for name in ("ada", "bob")}
    return ApprovalRules(keys, 2, memory=tmp_path / "memory")


@pytest.fixture(scope="module")
def approved(pair: Path) -> Path:
    """An approvals file: both reviewers approved the old wheelhouse."""
    path = pair / "approvals.jsonl"
    keys = {name: (load_public_key(pair / f"keys/{name}.pub"),) for name in ("ada", "bob")}
    for name in ("ada", "bob"):
        source = ApprovalsFile(path, lambda: read_approvals(path, ApprovalRules(keys, 2), NOW.date()))
        found = vetted(pair / "old", source.read(), None)
        desk = Desk(pair / "old", review_queue(found), found.files, reviewer(pair, name), source)
        desk.approve(files_of(pair / "old"), "read")
    return path


def reviewer(pair: Path, name: str) -> Reviewer:
    return Reviewer(name, load_key(pair / "keys" / name, lambda _path: ""))


def vetted(folder: Path, current: Approvals, since: Path | None) -> Evidence:
    done = vet(folder, Policy(), NOW, VetContext(approvals=current, since=since, with_texts=since is not None))
    return evidence(folder, done, Policy(), current, NOW, None, since)


@pytest.fixture
def file(approved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(approved, tmp_path / "approvals.jsonl"))


@pytest.fixture(scope="module")
def found(pair: Path, approved: Path) -> Evidence:
    keys = {name: (load_public_key(pair / f"keys/{name}.pub"),) for name in ("ada", "bob")}
    return vetted(pair / "new", read_approvals(approved, ApprovalRules(keys, 2), NOW.date()), pair / "old")


@pytest.fixture
def desk_of(pair: Path, file: Path, rules: ApprovalRules, found: Evidence) -> DeskOf:
    queue, source = review_queue(found), ApprovalsFile(file, lambda: read_approvals(file, rules, NOW.date()))
    return lambda name: Desk(pair / "new", queue, found.files, reviewer(pair, name), source, needed=2)


# The queue


def test_what_is_newly_able_to_act_comes_first(found: Evidence) -> None:
    queue = review_queue(found)
    first = {one.subject: (list(map(str, one.gained)), one.before) for one in queue[:3]}
    assert first == {
        provider("slack"): (["dynamic code"], "1.0"),
        provider("docker"): (["process"], "1.0"),
        provider("http"): (["network"], "1.0"),
    }
    assert list(first) == [provider("slack"), provider("docker"), provider("http")]
    assert all(not one.gained for one in queue[3:])  # also of `starter`, which is as it was
    assert len(queue) == len(found.hashes) == 9


def test_without_an_earlier_wheelhouse_the_approved_releases_tell_what_is_new(pair: Path, found: Evidence) -> None:
    alone = review_queue(vetted(pair / "new", found.approvals, None))
    assert [(one.subject, one.before) for one in alone[:3]] == [
        (provider("slack"), "1.0"),
        (provider("docker"), "1.0"),
        (provider("http"), "1.0"),
    ]


def test_where_nobody_approved_anything_everything_that_a_file_can_do_is_new(pair: Path) -> None:
    queue = review_queue(vetted(pair / "new", Approvals(), None))
    assert [str(queue[0].gained[0]), queue[0].before, queue[0].subject] == [
        "start-up",
        "",
        "starter-1.0-py3-none-any.whl",
    ]


# Decisions


def test_two_reviewers_approve_and_one_withdraws(desk_of: DeskOf, file: Path) -> None:
    ada, bob, subject = desk_of("ada"), desk_of("bob"), provider("http")
    assert ada.approve([subject], "read the diff") == [subject]
    assert (ada.standings()[subject].standing, bob.standings()[subject].standing) == (Standing.WAITING, Standing.OPEN)
    bob.approve([subject, AIRFLOW], "read both", date(2026, 12, 31))
    assert bob.standings()[subject].standing is Standing.APPROVED
    assert bob.standings()[subject].reviewers == ("ada", "bob")
    before = file.read_text().splitlines()
    ada.withdraw([subject], "the server is gone")
    assert file.read_text().splitlines()[:-1] == before
    assert ada.standings()[subject].standing is Standing.OPEN and not ada.standings()[subject].is_mine
    assert (ada.approved, ada.withdrawn, bob.approved) == ([subject], [subject], [subject, AIRFLOW])


def test_a_reviewer_does_not_sign_twice(desk_of: DeskOf, file: Path) -> None:
    ada = desk_of("ada")
    ada.approve([AIRFLOW], "read")
    before = file.read_bytes()
    with pytest.raises(WheelhouseError, match="approved these files before"):
        ada.approve([AIRFLOW], "read again")
    with pytest.raises(WheelhouseError, match="approved none of these"):
        ada.withdraw([provider("http")], "never approved")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("subjects", "reason", "expires"),
    [
        ([], "read", None),
        (["nothing.whl"], "read", None),
        ([AIRFLOW, "x"], "read", None),
        ([AIRFLOW], "  ", None),
        ([AIRFLOW], "read", date(2026, 5, 31)),
    ],
)
def test_a_decision_without_a_file_a_reason_or_a_day_to_come_is_refused(
    desk_of: DeskOf, file: Path, subjects: list[str], reason: str, expires: date | None
) -> None:
    before = file.read_bytes()
    with pytest.raises(WheelhouseError):
        desk_of("ada").approve(subjects, reason, expires)
    assert file.read_bytes() == before


def test_an_older_copy_of_the_approvals_file_is_noticed_before_anything_is_signed(desk_of: DeskOf, file: Path) -> None:
    ada, older = desk_of("ada"), file.read_bytes()
    ada.approve([AIRFLOW], "read")
    newer = file.read_bytes()
    file.write_bytes(older)
    with pytest.raises(IntegrityError, match="it was shortened, or is an older copy"):
        ada.approve([provider("http")], "read")
    assert file.read_bytes() == older and "older copy" in state_of(ada)["trouble"]["sentence"]
    file.write_bytes(newer)
    ada.approve([provider("http")], "read")
    assert state_of(ada)["trouble"] is None


def test_what_another_reviewer_adds_is_seen(desk_of: DeskOf) -> None:
    ada = desk_of("ada")
    ada.standings()
    desk_of("bob").approve([AIRFLOW], "read")
    assert state_of(ada)["files"][AIRFLOW]["text"] == "approved by bob, needs 1 more reviewer"


def test_a_file_that_changed_during_the_review_is_neither_signed_nor_shown(
    pair: Path, tmp_path: Path, file: Path, rules: ApprovalRules, found: Evidence
) -> None:
    folder = Path(shutil.copytree(pair / "new", tmp_path / "new"))
    source = ApprovalsFile(file, lambda: read_approvals(file, rules, NOW.date()))
    desk = Desk(folder, review_queue(found), found.files, reviewer(pair, "ada"), source)
    (folder / AIRFLOW).write_bytes((folder / AIRFLOW).read_bytes() + b"\0")
    before = file.read_bytes()
    with pytest.raises(WheelhouseError, match="differs from the lock file"):
        desk.approve([AIRFLOW], "read")
    with pytest.raises(WheelhouseError, match="altered since this review began"):
        desk.source(AIRFLOW, "apache_airflow/__init__.py")
    assert file.read_bytes() == before


def test_what_the_machine_refuses_is_said(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wheelhouse.review.desk.sign_review", full)
    answer = ask(application, "POST", "/place/approve", {"files": [AIRFLOW], "reason": "read"})
    assert answer.status == 409 and "No space left" in json.loads(answer.body)["error"]["sentence"]


def test_a_role_that_is_not_for_a_file_signs_nothing(desk_of: DeskOf, rules: ApprovalRules, file: Path) -> None:
    ada = desk_of("ada")
    limited = ApprovalRules(rules.reviewers, 1, {"ada": Role("data", ("apache-airflow-providers-*",))})
    ada.approvals_file = ApprovalsFile(file, lambda: read_approvals(file, limited, NOW.date()))
    assert not ada.standings()[AIRFLOW].may_approve and ada.standings()[provider("http")].may_approve
    with pytest.raises(WheelhouseError, match="your role `data` is not for"):
        ada.approve([AIRFLOW], "read")


# Requests


@pytest.fixture
def application(desk_of: DeskOf, found: Evidence) -> Application:
    desk = desk_of("ada")
    return Application(ACCESS, desk, as_review_page(found, desk.queue, "ada", state_of(desk)))


def ask(application: Application, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    own = {
        "host": ACCESS.host,
        "origin": ACCESS.origin,
        "cookie": f"{COOKIE}=secret",
        "content-type": "application/json",
    }
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return application.answer(
        Request(method, path, own | {name.replace("_", "-"): text for name, text in headers.items()}, raw)
    )


def test_the_one_time_address_gives_the_cookie_once(application: Application) -> None:
    first, second = (ask(application, "GET", "/open/token", cookie="") for _ in range(2))
    assert (first.status, first.headers["location"], second.status) == (303, "/place/", 403)
    assert "SameSite=Strict" in first.headers["set-cookie"] and "set-cookie" not in second.headers
    assert b"opened before" in second.body


def test_a_refused_request_does_not_use_up_the_address(application: Application) -> None:
    assert ask(application, "GET", "/open/token", sec_fetch_site="cross-site").status == 403
    assert ask(application, "GET", "/open/token").status == 303


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/place/", {"cookie": ""}),
        ("GET", "/place/", {"host": "rebound.example:8123"}),
        ("GET", "/place/state", {"cookie": f"{COOKIE}=token"}),
        ("GET", "/", {}),
        ("GET", "/elsewhere/state", {}),
        ("GET", "/place/../place/", {"cookie": ""}),
        ("POST", "/place/approve", {"origin": "http://evil.example"}),
        ("POST", "/place/approve", {"cookie": ""}),
        ("POST", "/place/withdraw", {"sec_fetch_site": "same-site"}),
    ],
    ids=str,
)
def test_what_is_refused_learns_and_changes_nothing(
    application: Application, file: Path, method: str, path: str, headers: dict[str, str]
) -> None:
    before = file.read_bytes()
    answer = ask(application, method, path, {"files": [AIRFLOW], "reason": "read"}, **headers)
    assert answer.status == 403 and b"airflow" not in answer.body and file.read_bytes() == before


def test_a_decision_is_signed_and_answered_with_the_state(application: Application, file: Path) -> None:
    count = len(file.read_text().splitlines())
    answer = ask(application, "POST", "/place/approve", {"files": [AIRFLOW], "reason": "read", "expires": "2026-12-31"})
    document = json.loads(answer.body)
    assert answer.status == 200 and document["said"] == f"approved by ada: {AIRFLOW}"
    assert document["state"]["files"][AIRFLOW]["standing"] == "waiting"
    assert len(file.read_text().splitlines()) == count + 1
    withdrawn = json.loads(ask(application, "POST", "/place/withdraw", {"files": [AIRFLOW], "reason": "no"}).body)
    assert withdrawn["state"]["files"][AIRFLOW]["standing"] == "open"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 409),
        (b"{", {}, 409),
        ({"files": [AIRFLOW]}, {}, 409),
        ({"files": AIRFLOW, "reason": "x"}, {}, 409),
        ({"files": [AIRFLOW], "reason": "x", "more": 1}, {}, 409),
        ({"files": [AIRFLOW], "reason": "x", "expires": "never"}, {}, 409),
        ({"files": [AIRFLOW], "reason": "x"}, {"content_type": "text/plain"}, 415),
    ],
    ids=str,
)
def test_a_decision_that_cannot_be_read_changes_nothing(
    application: Application, file: Path, body: Any, headers: dict[str, str], status: int
) -> None:
    before = file.read_bytes()
    assert ask(application, "POST", "/place/approve", body, **headers).status == status
    assert file.read_bytes() == before


def test_the_source_of_a_member_is_shown_in_coloured_pieces(application: Application) -> None:
    path = f"/place/source?file={provider('http')}&name=airflow/providers/http/__init__.py"
    pieces = json.loads(ask(application, "GET", path).body)["pieces"]
    assert ["keyword", "import"] in pieces and "urllib.request" in "".join(text for _, text in pieces)
    native = json.loads(ask(application, "GET", "/place/source?file=native-1.0-py3-none-any.whl&name=native/x.so").body)
    assert native["pieces"] is None


@pytest.mark.parametrize("query", ["", "file=x&name=y", f"file={AIRFLOW}&name=../../etc/passwd", "file=../x&name=y"])
def test_only_members_of_the_wheelhouse_are_shown(application: Application, query: str) -> None:
    assert ask(application, "GET", f"/place/source?{query}").status == 409


def test_the_page_has_the_queue_and_asks_its_own_server_only(application: Application) -> None:
    text = ask(application, "GET", "/place/").body.decode()
    assert "connect-src 'self'" in unescape(text) and "default-src 'none'" in text
    rows = text.partition('<ul id="open"')[2].partition("</ul>")[0]
    assert rows.count("<li ") == 9 and rows.index(provider("slack")) < rows.index(provider("docker")) < rows.index(
        AIRFLOW
    )
    assert ask(application, "GET", "/place/nothing").status == 404


def test_a_files_page_says_what_its_code_does_and_where(application: Application) -> None:
    text = ask(application, "GET", "/place/").body.decode()
    assert "<code>airflow/providers/docker/__init__.py</code>, line 11, if it is called: " in text
    assert 'data-source="airflow/providers/docker/__init__.py"' in text
    assert "<code>apache_airflow_provider: provider_info</code>" in text
    assert "The release before, 1.0:" in text and "<b>ada</b>, 2026-06-01: read" in text
