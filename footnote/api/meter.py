"""How many requests there were, how they ended and how long they took, by route: of this process, since it began."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds."""
NO_ROUTE = "none"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Any other word that somebody sends as a method is counted as "other"."""


class RequestMeter:
    """Counts requests. A route is its template, and never a path, which may hold anything."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        told = ("method", "route", "status")
        self._requests = Counter("footnote_http_requests", "Requests.", told, registry=self._registry)
        self._seconds = Histogram(
            "footnote_http_request_seconds", "What a request took.", told[:2], buckets=BUCKETS, registry=self._registry
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route or NO_ROUTE, status).inc()
        self._seconds.labels(method, route or NO_ROUTE).observe(seconds)

    def exposition(self) -> str:
        """Return the figures in the text format of Prometheus."""
        return generate_latest(self._registry).decode()
