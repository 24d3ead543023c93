"""The spans of statements and transactions, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from sqlalchemy import select

from scim_connector.directory import installation
from scim_connector.directory.database import Database, Transaction
from scim_connector.directory.statements import Statement
from scim_connector.directory.tables import installation as table
from scim_connector.wiring.tracing.spans import spanning
from scim_connector.wiring.tracing.statements import (
    LONGEST,
    TracedDatabase,
    described,
)

_ALL = Statement(select(table.c.name).order_by(table.c.name))


@dataclass
class Scene:
    """A database that is told of, and what was told."""

    database: TracedDatabase
    provider: TracerProvider
    kept: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.provider.add_span_processor(SimpleSpanProcessor(self.kept))

    @property
    def told(self) -> list[ReadableSpan]:
        return list(self.kept.get_finished_spans())

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.told]


def _scene(database: Database, sampler: Sampler) -> Scene:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    url = database.url.render_as_string(hide_password=False)
    traced = TracedDatabase(provider.get_tracer("tests"), url, statement_timeout=5.0)
    return Scene(traced, provider)


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    """Everything is told."""
    made = _scene(database, ALWAYS_ON)
    yield made
    made.database.close()


def _work(tx: Transaction) -> str | None:
    installation.write(tx, "who", "kim")
    with tx.savepoint():
        return installation.read(tx, "who")


def test_each_statement_is_told_inside_what_asked(scene: Scene) -> None:
    """A transaction, its statements within, and the request around."""
    with spanning(scene.database.tracer, "request"):
        assert scene.database.write(_work) == "kim"
        assert scene.database.preview(_work) == "kim"
        with scene.database.snapshot() as reader:
            assert list(reader.batches(_ALL, 10)) == [[("who",)]]

    parents = {s.context.span_id: s.name for s in scene.told}
    within = [
        (s.name, parents.get(s.parent.span_id) if s.parent else "") for s in scene.told
    ]
    assert within[-1] == ("request", "")
    assert within.count(("transaction", "request")) == 2
    assert within.count(("SELECT installation", "transaction")) == 2
    assert ("SELECT installation", "request") in within


def test_rows_that_nobody_fetches_are_no_span_for_others(scene: Scene) -> None:
    """Whoever leaves amid a long answer leaves the current span as it was."""
    with spanning(scene.database.tracer, "request"):
        scene.database.write(_work)
        with scene.database.snapshot() as reader:
            some = reader.batches(_ALL, 1)
            next(some)
            installation.read(reader, "who")
    some.close()  # type: ignore[attr-defined]

    assert scene.names[-3:] == ["SELECT installation", "request", "SELECT installation"]
    inner, request, left = scene.told[-3:]
    assert inner.parent == left.parent == request.context


def test_what_nobody_asked_for_is_not_told(scene: Scene) -> None:
    """The rounds of each second would be all there is to see."""
    scene.database.write(_work)

    assert scene.told == []


def test_what_is_not_sampled_costs_no_span(database: Database) -> None:
    """Where a request is left out, its statements are."""
    scene = _scene(database, ALWAYS_OFF)
    with spanning(scene.database.tracer, "request"):
        scene.database.write(_work)
    scene.database.close()

    assert scene.told == []


def test_a_failure_is_told_by_its_name_alone(scene: Scene) -> None:
    """What a database says of a statement repeats the values in it."""

    def work(tx: Transaction) -> None:
        raise ValueError("kim.doe@contoso.com")

    with (
        spanning(scene.database.tracer, "request"),
        pytest.raises(ValueError, match="kim"),
    ):
        scene.database.write(work)

    told = scene.told[0]
    assert told.name == "transaction"
    assert told.attributes is not None
    assert told.attributes["error.type"] == "ValueError"
    assert told.events == ()
    assert told.status.description is None


def test_constants_are_left_out_of_a_text() -> None:
    """A text may hold what somebody has sent, as a path or a list has it."""
    sql = "SELECT 12, users.id FROM users WHERE x = 'O''Neil' AND y = :y_1 AND z > 3.5"
    name, told = described(sql, "sqlite")

    assert name == "SELECT users"
    assert told["db.query.text"] == (
        "SELECT ?, users.id FROM users WHERE x = ? AND y = :y_1 AND z > ?"
    )


@pytest.mark.parametrize("sql", ["SELECT 'kim", "SELECT 'a' || 'kim''"])
def test_a_text_that_cannot_be_read_is_left_out(sql: str) -> None:
    """Half a constant would show the other half."""
    assert "db.query.text" not in described(sql, "sqlite")[1]


def test_a_text_is_cut_and_a_strange_table_not_named() -> None:
    """A span stays small, and names what is ours alone."""
    name, told = described("SELECT x" + ", x" * 2_000 + " FROM kim", "postgresql")

    assert name == "SELECT"
    assert len(told["db.query.text"]) == LONGEST
    assert "db.collection.name" not in told
