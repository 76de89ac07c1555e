"""Gather the data of reports: a vetted wheelhouse, those inside it, and earlier approvals."""

from datetime import datetime
from pathlib import Path

from wheelhouse.findings import Policy
from wheelhouse.verify.verify_other_files import load_base_images, load_debian
from wheelhouse.vet.advisories import Advisories
from wheelhouse.vet.approvals import Approvals, split_approved
from wheelhouse.vet.approve import files_of
from wheelhouse.vet.evidence import Evidence
from wheelhouse.vet.vet import Vetted


def evidence(
    folder: Path,
    vetted: Vetted,
    policy: Policy,
    approvals: Approvals,
    now: datetime,
    advisories: Advisories | None,
    since: Path | None = None,
) -> Evidence:
    """The data of reports: findings that approvals cover apart from the others, and what else the folder holds.

    The lock files of `folder` are read again. `since` is the earlier wheelhouse that vetting compared with; only its name is
    kept. Raises InputError for a lock file that cannot be read.
    """
    hashes = files_of(folder)
    findings, approved = split_approved(vetted.findings, hashes, approvals)
    return Evidence(
        name=folder.absolute().name,
        wheelhouses=vetted.wheelhouses,
        hashes=hashes,
        facts=vetted.facts,
        findings=findings,
        approved=approved,
        waived=vetted.waived,
        approvals=approvals,
        now=now,
        threshold=policy.threshold,
        known=advisories.newest if advisories else None,
        since=since.absolute().name if since else "",
        replaced=vetted.replaced,
        images=load_base_images(folder).images,
        debian=load_debian(folder),
        deb_licences=vetted.deb_licences,
        image_packages=vetted.image_packages,
        rules_off=tuple(sorted(rule for rule, severity in policy.severities.items() if severity is None)),
    )
