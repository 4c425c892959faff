"""Metrics: what the parts count, as Prometheus reads it.

Sockets, subscriptions and counters are read from the parts when somebody asks, so that they cost nothing meanwhile.
Only requests and statements are observed as they happen, and only where metrics are served.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from starlette.routing import Route

from watchword.backend.conversation import Conversation
from watchword.base.secret import Secret
from watchword.connection.machine import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric
    from starlette.routing import BaseRoute

    from watchword.app.build import Parts
    from watchword.app.settings import Settings

LEAST_TOKEN = 16

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "SEARCH", "OPTIONS"})
_OPEN = tuple(state for state in State if state is not State.CLOSED)
_CREDENTIALS = {
    "AccessToken": "access_token",
    "RefreshToken": "refresh_token",
    "Password": "password",
    "ConnectionTicket": "connection_ticket",
    "ClaimsToken": "claims_token",
}


def metrics_tokens(settings: Settings) -> list[Secret]:
    """Return the tokens that a monitor may present; one that is easily guessed opens nothing."""
    return [Secret(token) for token in settings["METRICS_TOKENS"] if len(token) >= LEAST_TOKEN]


class Metrics:
    """The figures of one application. `endpoints` are the dialects that its sockets speak."""

    def __init__(self, parts: Parts, version: str, endpoints: Sequence[str]) -> None:
        self._registry = CollectorRegistry()
        self._paths: dict[Any, str] = {}
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._request_seconds = Histogram(
            "watchword_request_seconds",
            "Requests by the time they took.",
            ("method", "route", "status"),
            registry=self._registry,
            buckets=_BUCKETS,
        )
        statements = Histogram(
            "watchword_statement_seconds",
            "Statements of transactions by the time the database took.",
            registry=self._registry,
            buckets=_BUCKETS,
        )
        parts.db.on_statement(statements.observe)
        self._registry.register(_PartsCollector(parts, version, endpoints))
        ProcessCollector(registry=self._registry)

    def name_routes(self, routes: Iterable[BaseRoute]) -> None:
        """Learn how the paths of endpoints are written."""
        self._paths = {route.endpoint: route.path for route in routes if isinstance(route, Route)}

    def observe(self, method: str, endpoint: Any, status: int, seconds: float) -> None:
        """Take one request into account."""
        key = (method if method in _METHODS else "OTHER", self._paths.get(endpoint, "none"), status)
        histogram = self._requests.get(key)
        if histogram is None:
            histogram = self._requests[key] = self._request_seconds.labels(*map(str, key))
        histogram.observe(seconds)

    def render(self) -> bytes:
        """Return all figures in the text format."""
        return generate_latest(self._registry)


class _PartsCollector(Collector):
    """Reads the parts when it is asked."""

    def __init__(self, parts: Parts, version: str, endpoints: Sequence[str]) -> None:
        self._parts = parts
        self._version = version
        self._endpoints = endpoints

    def describe(self) -> list[Metric]:
        """Say nothing beforehand: the parts may not have been opened yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        parts = self._parts
        yield InfoMetricFamily("watchword", "The server.", {"version": self._version, "node": parts.journal.node})
        yield self._sockets()
        yield _gauge("subscriptions", "Subscriptions of all sockets.", parts.hub.subscriptions)
        yield _gauge("groups", "Groups of subscriptions that see the same.", parts.hub.views)
        channels = parts.backend.channels
        yield _gauge("channels", "Channels that somebody hears.", len(channels.names))
        yield _gauge("channel_subscriptions", "Subscriptions of all sockets to channels.", channels.subscriptions)
        yield _gauge("log_followers", "Sockets that follow the server's log.", parts.journal.followers)
        seconds, changes = parts.feed.lag
        yield _gauge("feed_lag_seconds", "All that was committed longer ago than this has been told.", seconds)
        yield _gauge("feed_lag_changes", "Changes that are known and have not been told.", changes)
        yield _counter("changes_told", "Changes that were read from the log and told.", parts.feed.told)
        yield _counter("deliveries", "Events that were handed to subscriptions.", parts.hub.delivered)
        yield _counter("publications", "What was published on channels.", channels.published)
        yield _counter("publications_delivered", "Publications that were handed to sockets.", channels.delivered)
        yield _counter("connections_cut", "Sockets cut because their clients did not read.", parts.hub.cut)
        dropped = parts.journal.dropped
        yield _counter("log_records_dropped", "Log records that followers were too slow for.", dropped)
        yield _authentications(parts.identity.results)

    def _sockets(self) -> Metric:
        found = Counter({(endpoint, state.value): 0 for endpoint in self._endpoints for state in _OPEN})
        for peer in self._parts.hub.peers:
            if isinstance(peer, Conversation) and peer.state is not State.CLOSED:
                found[peer.endpoint, peer.state.value] += 1
        family = GaugeMetricFamily("watchword_sockets", "Open sockets.", labels=("endpoint", "state"))
        for labels, count in sorted(found.items()):
            family.add_metric(labels, count)
        return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"watchword_{name}", help_text, value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"watchword_{name}", help_text, value)


def _authentications(results: Mapping[tuple[str, str], int]) -> Metric:
    family = CounterMetricFamily(
        "watchword_authentications", "Credentials that were checked, by result.", labels=("credential", "result")
    )
    for (credential, result), count in sorted(results.items()):
        family.add_metric((_CREDENTIALS.get(credential, credential), result), count)
    return family
