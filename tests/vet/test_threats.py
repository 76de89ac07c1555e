"""Exploited vulnerabilities (KEV), probabilities (EPSS) and CVSS scores: what is read, and what is refused."""

import gzip
from pathlib import Path

import pytest

from wheelhouse.errors import InputError
from wheelhouse.vet import threat_files
from wheelhouse.vet.cvss import rating, score
from wheelhouse.vet.threat_files import read_threats
from wheelhouse.vet.threats import NO_THREATS, Threats, parse_epss, parse_kev

KEV_JSON = '\n {"vulnerabilities": [{"cveID": "cve-2024-1", "dateAdded": "2024-05-01", "other": 1}]}'
KEV_CSV = "\ufeffcveID,vendor,dateAdded\nCVE-2024-2,x,2024-06-01\n"
EPSS = "#model_version:v2025\ncve,epss,percentile\ncve-2024-1,0.5,0.9\nCVE-2024-2#,1,1\nCVE-2024-3,0,0#\n"
KNOWN = Threats({"CVE-1": "2024-02-01", "CVE-2": "2024-01-01"}, {"CVE-1": 0.25, "CVE-3": 0.123456})


def test_a_finding_tells_the_first_day_and_the_highest_probability_of_its_ids() -> None:
    rows: dict[tuple[str, ...], dict[str, str]] = {
        ("cve-1", "CVE-2", "CVE-3", "GHSA-x"): {"exploited": "2024-01-01", "epss": "0.25000"},
        ("Cve-3",): {"epss": "0.12346"},
        ("CVE-2",): {"exploited": "2024-01-01"},
        ("CVE-4",): {},
    }
    for ids, expected in rows.items():
        assert KNOWN.of(ids) == expected
    assert NO_THREATS.of(["CVE-1"]) == {}


def test_the_catalogue_is_read_as_json_and_as_csv() -> None:
    assert parse_kev(KEV_JSON, "x") == {"CVE-2024-1": "2024-05-01"}
    assert parse_kev(KEV_CSV, "x") == {"CVE-2024-2": "2024-06-01"}


def test_probabilities_are_read_without_comments() -> None:
    assert parse_epss(EPSS, "x") == {"CVE-2024-1": 0.5, "CVE-2024-2#": 1.0, "CVE-2024-3": 0.0}


EPSS_HEAD = "cve,epss\n"


NAMELESS = '{"vulnerabilities": [{"cveID": null, "dateAdded": "2024-01-01"}]}'
DAYLESS = '{"vulnerabilities": [{"cveID": "CVE-1", "dateAdded": null}]}'


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "{}", "cveID,dateAdded\n", "cve,day\nCVE-1,2024\n", '{"vulnerabilities": 1}', NAMELESS, DAYLESS),
        *("cveID,dateAdded\nCVE-1\n", "cveID,dateAdded\nCVE-1,\n", "dateAdded,cveID\n2024-01-01\n"),
    ],
)
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not the catalogue of exploited vulnerabilities"):
        parse_kev(text, "kev.csv")


@pytest.mark.parametrize(
    "text",
    ["", EPSS_HEAD, EPSS_HEAD + "CVE-1,1.01\n", EPSS_HEAD + "CVE-1,-0.1\n", EPSS_HEAD + "CVE-1,x\n", "a,b\n1,2\n"],
)
def test_what_has_no_probabilities_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="`scores` has no EPSS scores"):
        parse_epss(text, "scores")


def test_files_beside_the_snapshot_are_found_by_their_names(tmp_path: Path) -> None:
    assert read_threats(None, None, tmp_path / "none") == NO_THREATS
    assert read_threats(None, None, tmp_path) == NO_THREATS
    (tmp_path / "known_exploited_vulnerabilities.csv").write_text(KEV_CSV)
    (tmp_path / "epss_scores-2026-01-02.csv").write_text(EPSS_HEAD + "CVE-1,0.2\n")
    assert read_threats(None, None, tmp_path) == Threats({"CVE-2024-2": "2024-06-01"}, {"CVE-1": 0.2})
    (tmp_path / "known_exploited_vulnerabilities.json").write_text(KEV_JSON)
    (tmp_path / "epss_scores-2026-01-01.csv.gz").write_bytes(gzip.compress(b"cve,epss\nCVE-1,0.1\n"))
    (tmp_path / "epss_scores-2026-01-03.csv.gz").write_bytes(gzip.compress(b"cve,epss\nCVE-1,0.3\n"))
    (tmp_path / "epss_scores-2027.txt").write_text("x")
    found = Threats({"CVE-2024-1": "2024-05-01"}, {"CVE-1": 0.3})
    assert read_threats(None, None, tmp_path) == found
    kev, epss = tmp_path / "mine.csv", tmp_path / "mine"
    kev.write_text(KEV_CSV)
    epss.write_bytes(b"cve,epss\nCVE-\xff,0.4\n#\x1f\x8b")
    named = Threats({"CVE-2024-2": "2024-06-01"}, {"CVE-\ufffd": 0.4})
    assert read_threats(kev, epss, tmp_path) == named
    assert read_threats(kev, None, tmp_path).epss == found.epss
    assert read_threats(None, epss, tmp_path).exploited == found.exploited


def test_a_file_that_is_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(b"cve,epss\n")[:-4])
    for path, sentence in {tmp_path / "none": "there is no file", damaged: "cannot be unpacked"}.items():
        with pytest.raises(InputError, match=sentence):
            read_threats(None, path, tmp_path)


def test_a_file_has_a_longest_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"cve,epss\nCVE-1,0.1\n"
    monkeypatch.setattr(threat_files, "MAX_BYTES", len(text))
    for name, data in (("plain", text), ("packed", gzip.compress(text))):
        (tmp_path / name).write_bytes(data)
        assert read_threats(None, tmp_path / name, tmp_path).epss == {"CVE-1": 0.1}
    for name, data in (("plain", text + b"\n"), ("packed", gzip.compress(text + b"\n"))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="exceeds the limit of 0 MiB"):
            read_threats(None, tmp_path / name, tmp_path)


RATINGS = {
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": ("critical, 9.3", "9.3"),
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": ("medium, 6.1", "6.1"),
    "AV:N/AC:L/Au:N/C:P/I:P/A:P": ("high, 7.5", "7.5"),
    "CVSS:4.0/AV:N": ("CVSS:4.0/AV:N", ""),
    "CVSS:9.0/AV:N": ("CVSS:9.0/AV:N", ""),
    "high": ("high", ""),
    "very high, 7": ("very high, 7", ""),
    "high, as CVSS:3.": ("high, as CVSS:3.", ""),
    "Moderate, maybe": ("Moderate, maybe", ""),
    "CVSS:3.0, 1": ("CVSS:3.0, 1", ""),
    "low, 1, 2": ("low, 1, 2", ""),
    "Low, 1": ("Low, 1", "1"),
    "": ("", ""),
}


def test_a_vector_has_a_rating_and_a_score_and_other_texts_stay_as_they_are() -> None:
    for vector, expected in RATINGS.items():
        assert (rating(vector), score(vector)) == expected, vector
