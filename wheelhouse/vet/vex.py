"""What VEX documents say of vulnerabilities, and the findings that they settle (pure).

A statement covers a finding about one of its vulnerabilities in one of its products: a package URL, or the sha256 of a file. A
malicious release is settled by none.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wheelhouse.findings import Analysis, Finding
from wheelhouse.lock.lock import Pin
from wheelhouse.vet.ecosystems import Purl, parse_purl
from wheelhouse.vet.version_ranges import VersionRange

RULES = frozenset(("vulnerable", "component-vulnerable", "deb-vulnerable", "vulnerable-since-approval"))
SETTLED = frozenset(("not_affected", "false_positive", "resolved", "resolved_with_pedigree"))
"""The states that say that a vulnerability is none here (CycloneDX 1.6, `impactAnalysisState`)."""
WITH_REASON = frozenset(("not_affected", "false_positive"))
"""The states that count only with a reason."""
FIXED = frozenset(("resolved", "resolved_with_pedigree"))
"""The states that are about one version: an earlier one is not fixed."""
LEAP_SECOND = re.compile(r"(?<=[Tt ][0-9]{2}:[0-9]{2}):60(?:\.[0-9]+)?")
"""A second 60 with its fraction, which Python cannot read."""
OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class VexProduct:
    """What a statement is about: a package, the sha256 of a file, or both. `components` are those inside it that it names.

    `versions` is a range of versions of the package that it is limited to.
    """

    purl: Purl | None = None
    sha256: str = ""
    components: tuple["VexProduct", ...] = ()
    versions: VersionRange | None = None

    def names(self, package: Purl) -> bool:
        """Whether its package URL names a package, in a version of its range. Its sha256 and components are not compared."""
        is_named = self.purl is not None and self.purl.names(package)
        return is_named and (self.versions is None or self.versions.has(package))

    @property
    def has_version(self) -> bool:
        """Whether it, or a component that it names, is limited to one version, a range of versions, or one file."""
        has_own = bool(self.sha256 or self.versions is not None or (self.purl and self.purl.version))
        return has_own or any(one.has_version for one in self.components)


@dataclass(frozen=True, slots=True)
class VexStatement:
    """One statement: about a vulnerability by all its ids, in some products. `made` is a time as the document gives it."""

    ids: frozenset[str]
    products: tuple[VexProduct, ...]
    analysis: Analysis
    made: str = ""


@dataclass(frozen=True, slots=True)
class AnalysedFindings:
    """The findings that stay open, and those that a statement settles; each that a statement is about has its analysis."""

    remaining: tuple[Finding, ...]
    settled: tuple[Finding, ...]


def is_settled(analysis: Analysis) -> bool:
    """Whether an analysis says that the vulnerability does not matter here. "Not affected" and "false positive" need a reason."""
    has_reason = bool(analysis.justification or analysis.detail)
    return analysis.state in SETTLED and (has_reason or analysis.state not in WITH_REASON)


def apply_vex(
    findings: Iterable[Finding], pins: Mapping[str, Pin], statements: Iterable[VexStatement]
) -> AnalysedFindings:
    """Separate the findings that statements settle. Each finding that a statement is about gets its analysis. `pins` is by subject.

    Of several statements the newest counts, of those of the same time the last.
    """
    ordered = sorted(statements, key=lambda statement: _time_of(statement.made))
    remaining: list[Finding] = []
    settled: list[Finding] = []
    for finding in findings:
        covering = [one for one in ordered if _covers(one, finding, pins.get(finding.subject))]
        if not covering:
            remaining.append(finding)
            continue
        analysed = replace(finding, analysis=covering[-1].analysis)
        (settled if is_settled(covering[-1].analysis) else remaining).append(analysed)
    return AnalysedFindings(tuple(remaining), tuple(settled))


def _time_of(made: str) -> datetime:
    """The time that a document gives (RFC 3339), for comparison. Without a time zone it is UTC.

    A leap second is the last microsecond before the next minute. What cannot be read is the oldest time.
    """
    try:
        time = datetime.fromisoformat(LEAP_SECOND.sub(":59.999999", made.replace("z", "Z")))
    except ValueError:
        return OLDEST
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _covers(statement: VexStatement, finding: Finding, pin: Pin | None) -> bool:
    """Whether a statement is about the vulnerability and the package of a finding; False for findings of rules not in RULES.

    "Fixed" counts only for products that are limited to versions or to a file.
    """
    ids = finding.values.get("ids", ())
    if finding.rule not in RULES or not isinstance(ids, tuple) or statement.ids.isdisjoint(ids):
        return False
    package = package_of(finding)
    file = Purl("pypi", "", pin.project, str(pin.version)) if pin else None
    is_fix = statement.analysis.state in FIXED
    products = [product for product in statement.products if product.has_version or not is_fix]
    return any(_is_about(product, package, file, pin.artifact.sha256 if pin else None) for product in products)


def _is_about(product: VexProduct, package: Purl | None, file: Purl | None, sha256: str | None) -> bool:
    """Whether a product is the package of a finding, or the file that holds the package.

    A sha256 of the product must be that of the file, unless the product is a package inside the file. If it is that of the
    file, the product's package URL need not name it. If the product names components, it must be the file, and the package
    one of them, whatever the sha256 of the component is.
    """
    if package and product.names(package) and not product.components:
        return not product.sha256 or package != file or product.sha256 == sha256
    is_file = product.sha256 == sha256 if product.sha256 else bool(file and product.names(file))
    is_inside = any(package and one.names(package) for one in product.components)
    return is_file and (is_inside or not product.components)


def package_of(finding: Finding) -> Purl | None:
    """The package that a finding about a vulnerability is about; None if the finding's package URL cannot be read.

    A finding without one is about a Debian package if its rule is `deb-vulnerable`, else about a project of PyPI.
    """
    values = finding.values
    if isinstance(purl := values.get("purl"), str):
        return parse_purl(purl)
    if finding.rule == "deb-vulnerable":
        return Purl("deb", "", str(values.get("package", "")), str(values.get("version", "")))
    return Purl("pypi", "", str(values.get("project", "")), str(values.get("version", "")))
