"""What is known about the use of vulnerabilities: CISA's catalogue of exploited ones (KEV), and FIRST's EPSS scores (pure).

Sources: the JSON and CSV of the Known Exploited Vulnerabilities catalogue; the CSV of EPSS, `cve,epss,percentile`.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wheelhouse.documents import parse_json
from wheelhouse.errors import InputError

KEV_HINT = "use the catalogue that CISA publishes: the file known_exploited_vulnerabilities.json or .csv"
EPSS_HINT = "use the EPSS scores that FIRST publishes: the file epss_scores-YYYY-MM-DD.csv.gz, packed or unpacked"


@dataclass(frozen=True)
class Threats:
    """`exploited` is the day on which a vulnerability was added to the catalogue, `epss` its probability, by CVE id."""

    exploited: Mapping[str, str] = field(default_factory=dict)
    epss: Mapping[str, float] = field(default_factory=dict)

    def of(self, ids: Iterable[str]) -> dict[str, str]:
        """The context of a finding about a vulnerability with these ids, as text: the earliest day `exploited`, and the highest `epss`.

        What is not known is left out. `epss` has five decimals. The ids may be in any case, but those of the object must be
        in upper case.
        """
        names = [name.upper() for name in ids]
        days = [self.exploited[name] for name in names if name in self.exploited]
        scores = [self.epss[name] for name in names if name in self.epss]
        return {**({"exploited": min(days)} if days else {}), **({"epss": f"{max(scores):.5f}"} if scores else {})}


NO_THREATS = Threats()


def parse_kev(text: str, source: str) -> dict[str, str]:
    """The days on which vulnerabilities were added to the catalogue, as in the file, by CVE id in upper case.

    The text is JSON or CSV. Raises InputError naming `source` for any other text, if a row lacks one of the two, and for a
    CSV without rows.
    """
    try:
        document = parse_json(text) if text.lstrip().startswith("{") else {"vulnerabilities": list(_rows(text))}
        return {_filled(row["cveID"]).upper(): _filled(row["dateAdded"]) for row in document["vulnerabilities"]}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(f"`{source}` is not the catalogue of exploited vulnerabilities", hint=KEV_HINT) from error


def parse_epss(text: str, source: str) -> dict[str, float]:
    """The probabilities, from 0 to 1, by CVE id in upper case.

    Raises InputError naming `source` for a text without rows, and if one row lacks an id or such a probability.
    """
    try:
        return {row["cve"].upper(): _probability(row["epss"]) for row in _rows(text)}
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"`{source}` has no EPSS scores", hint=EPSS_HINT) from error


def _rows(text: str) -> Iterator[dict[str, Any]]:
    """The rows of a CSV by the names of its head, without lines that begin with `#`. Raises KeyError for a text without a row."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if not line.startswith("#")]
    if len(lines) < 2:
        raise KeyError("no rows")
    yield from csv.DictReader(lines)


def _filled(value: object) -> str:
    """A value that is a text. Raises ValueError if it is none, or empty: of a row that is too short, it is None."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{value}` is not a text")
    return value


def _probability(text: str) -> float:
    """The number that a text is. Raises ValueError if it is not from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"`{text}` is not a probability")
    return value
