"""The metrics that Prometheus may count of a service.
A counter is read again and again, so it is an answer to a question nobody paid for.

A metric counts what a service has disclosed anyway, at the moment at which it disclosed it: requests that
were answered, by method, route (its template, never a path that names somebody or something) and class of
status. There is no duration (how long a question computed depends on rows, and its answer waits so that
nobody sees it), no processor time or memory of the process (the same), no dataset, team or person in a label.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge

OTHER = "other"


class Metrics:
    """The counters of one service, in a registry of its own:
    the library's default one would tell processor time and memory."""

    def __init__(self, service: str, version: str) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "cihu_requests",
            "Requests that were answered.",
            ["service", "method", "route", "status"],
            registry=self.registry,
        )
        Gauge(
            "cihu_service_info",
            "Which service and version this is.",
            ["service", "version"],
            registry=self.registry,
        ).labels(service, version).set(1)
        self._service = service
        self._counters: dict[tuple[str, str, int], Counter] = {}

    def answered(self, method: str, route: str, status: int) -> None:
        at = method if method in METHODS else OTHER, route or OTHER, status // 100
        if (counter := self._counters.get(at)) is None:
            counter = self._requests.labels(self._service, at[0], at[1], f"{at[2]}xx")
            self._counters[at] = counter
        counter.inc()


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
