"""GraphQL over server-sent events."""

from __future__ import annotations

import pytest

from watchword.base.errors import Code, Problem
from watchword.dialects.graphql.sse import COMPLETE, GraphqlSse, is_last
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out
from watchword.protocol.events import Event

ASKED = op.Execute("{ a }", id="1")


class Written:
    """A projection that writes the kind of an event."""

    def written(self, event: Event) -> str:
        return f'{{"data":"{event.kind}"}}'


def test_request_is_the_only_message() -> None:
    assert list(GraphqlSse(ASKED).receive("")) == [ASKED]


def test_result_is_the_last() -> None:
    [told] = GraphqlSse(ASKED).send(out.Reply({"data": 1}, id="1"))

    assert told == 'event: next\ndata: {"data":1}\n\nevent: complete\ndata: \n\n'
    assert is_last(told)


def test_events_are_told_and_not_the_last() -> None:
    dialect = GraphqlSse(ASKED)
    assert list(dialect.push("1", [Event("create", {}, 1)])) == []
    assert list(dialect.send(out.Subscribed("1", projection=Written()))) == []

    [told] = dialect.push("1", [Event("create", {}, 1)])
    assert told == 'event: next\ndata: {"data":"create"}\n\n'
    assert not is_last(told)


@pytest.mark.parametrize(
    "outcome",
    [
        out.Failure(ASKED, Problem(Code.GRAPHQL_VALIDATION, errors=[{"message": "m"}])),
        out.Ended("1", None, Problem(Code.FORBIDDEN)),
    ],
)
def test_what_is_wrong_is_a_result_and_the_last(outcome: out.Outcome) -> None:
    [told] = GraphqlSse(ASKED).send(outcome)

    assert told.startswith('event: next\ndata: {"errors":[{"message":')
    assert told.endswith(COMPLETE)


def test_nothing_is_said_of_an_identity_that_ends() -> None:
    assert list(GraphqlSse(ASKED).send(out.Refused(Problem(Code.TOKEN_EXPIRED)))) == []


def test_signs_of_life_are_comments_and_nothing_else_is_said() -> None:
    assert list(GraphqlSse(ASKED).send(out.Heartbeat())) == [":\n\n"]
    assert list(GraphqlSse(ASKED).send(out.Opened())) == []
    assert GraphqlSse(ASKED).close_code(None) == 1000
