"""The WWW-Authenticate header of a registry: what it asks for (pure).

Sources: RFC 9110, 11.6.1; the distribution project's token authentication ("Token Authentication Specification").
"""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', re.ASCII)
SCHEME = re.compile(r"(?:^|,)\s*(?:(bearer|basic)(?=\s|,|$)|([A-Za-z][\w-]*)(?=\s+[^\s=,]))", re.IGNORECASE | re.ASCII)
"""The two schemes, and any other with values, which ends what is said of the one before it."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry wants: `basic`, or a bearer token from `realm`. A registry that names both gets a token."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def parse(cls, header: str) -> "Challenge | None":
        """The bearer challenge in the header, else the basic one, of several the last; None if it has neither. What it lacks
        is empty, also `realm`.
        """
        blanked = QUOTED.sub(lambda quoted: "_" * len(quoted[0]), header)
        starts = [((match[1] or match[2]).lower(), match.end()) for match in SCHEME.finditer(blanked)]
        found: dict[str, Challenge] = {}
        for number, (scheme, start) in enumerate(starts):
            end = starts[number + 1][1] if number + 1 < len(starts) else len(header)
            rows = PARAMETER.findall(header[start:end])
            values = {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in rows}
            found[scheme] = cls(scheme, *(values.get(name, "") for name in ("realm", "service", "scope")))
        return found.get("bearer") or found.get("basic")

    def token_url(self, scope: str) -> str:
        """The address to ask for a token: `realm` with service and scope; `scope` is used if the registry named none."""
        query = urlencode({**({"service": self.service} if self.service else {}), "scope": self.scope or scope})
        return f"{self.realm}{'&' if '?' in self.realm else '?'}{query}"
