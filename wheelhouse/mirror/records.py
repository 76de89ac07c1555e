"""What a server tells of itself: its health, and metrics in Prometheus' text format."""

import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from math import inf

from wheelhouse.mirror.access_log import AccessLog
from wheelhouse.mirror.answer import Answer, Request
from wheelhouse.mirror.served_pages import Catalogue

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, inf)
"""Upper bounds of the histogram of durations, in seconds."""


class Records:
    """Counts of requests and reloads. `log` gets a line for each request, if there is one."""

    def __init__(self, log: AccessLog | None = None) -> None:
        self._log = log
        self._requests: Counter[int] = Counter()
        self._durations: Counter[float] = Counter()
        self._seconds = 0.0
        self._bytes = 0
        self._reloads: Counter[str] = Counter()
        self._loaded = time.time()
        self._stale: set[str] = set()

    def add(self, request: Request, answer: Answer, user: str | None, seconds: float) -> None:
        """Count a request, and write its line into the access log, if any. `seconds` is the time until the answer was ready to be sent."""
        size = 0 if request.method == "HEAD" else answer.length
        self._requests[answer.status] += 1
        self._bytes += size
        self._seconds += seconds
        self._durations[BUCKETS[bisect_left(BUCKETS, seconds)]] += 1
        if self._log:
            self._log.add(request, answer, user, size, seconds)

    def reloaded(self, name: str) -> None:
        """Count that the new state of a wheelhouse, or of the files that say who may read, is in use from now on; it is no
        longer stale.
        """
        self._reloads["done"] += 1
        self._loaded = time.time()
        self._stale.discard(name)

    def failed(self, name: str) -> None:
        """Count that the new state of `name` cannot be read or served; until `reloaded` it is stale."""
        self._reloads["failed"] += 1
        self._stale.add(name)

    def health(self) -> Answer:
        """The answer to `/health`, always 200: as JSON, the status `ok`, or `stale` if a change could not be read or served."""
        body = json.dumps({"status": "stale" if self._stale else "ok"}) + "\n"
        return Answer(200, {"content-type": "application/json", "cache-control": "no-store"}, body.encode())

    def metrics(self, catalogues: Mapping[str, Catalogue]) -> Answer:
        """The answer to `/metrics`: all counts, in Prometheus' text format. The number of files is given for each of these catalogues."""
        lines = [
            "# HELP wheelhouse_requests_total Requests, by HTTP status of the answer.",
            "# TYPE wheelhouse_requests_total counter",
            *(f'wheelhouse_requests_total{{status="{one}"}} {count}' for one, count in sorted(self._requests.items())),
            "# HELP wheelhouse_response_bytes_total Bytes of the bodies of answers.",
            "# TYPE wheelhouse_response_bytes_total counter",
            f"wheelhouse_response_bytes_total {self._bytes}",
            "# HELP wheelhouse_request_seconds Time until an answer was ready to be sent.",
            "# TYPE wheelhouse_request_seconds histogram",
            *self._histogram(),
            "# HELP wheelhouse_files Files that are served, by wheelhouse.",
            "# TYPE wheelhouse_files gauge",
            *(f'wheelhouse_files{{wheelhouse="{name}"}} {len(one.files)}' for name, one in sorted(catalogues.items())),
            "# HELP wheelhouse_reloads_total Changes of wheelhouses and of access rights, by outcome.",
            "# TYPE wheelhouse_reloads_total counter",
            *(f'wheelhouse_reloads_total{{outcome="{one}"}} {self._reloads[one]}' for one in ("done", "failed")),
            "# HELP wheelhouse_access_log_lost_total Lines of the access log that could not be written.",
            "# TYPE wheelhouse_access_log_lost_total counter",
            f"wheelhouse_access_log_lost_total {self._log.lost if self._log else 0}",
            "# HELP wheelhouse_loaded_timestamp_seconds Unix time of the last successful reload, else of the server's start.",
            "# TYPE wheelhouse_loaded_timestamp_seconds gauge",
            f"wheelhouse_loaded_timestamp_seconds {self._loaded:.3f}",
        ]
        headers = {"content-type": METRICS_TYPE, "cache-control": "no-store"}
        return Answer(200, headers, ("\n".join(lines) + "\n").encode())

    def _histogram(self) -> list[str]:
        """The lines of the histogram of durations, without HELP and TYPE: each bucket with those before it, then sum and count."""
        total, lines = 0, []
        for bound in BUCKETS:
            total += self._durations[bound]
            upper = "+Inf" if bound == inf else bound
            lines.append(f'wheelhouse_request_seconds_bucket{{le="{upper}"}} {total}')
        return [
            *lines,
            f"wheelhouse_request_seconds_sum {self._seconds:.6f}",
            f"wheelhouse_request_seconds_count {total}",
        ]
