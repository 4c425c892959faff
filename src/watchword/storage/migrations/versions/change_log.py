"""Create the change log: its tables, and on PostgreSQL the function that gives changes their positions.

A change is one row of `watchword_change`, written by a trigger in the transaction that makes it. On SQLite its id is
its position. On PostgreSQL positions are given after the commit by `watchword_sequence()`, so that no writer waits for
another: a row of `watchword_commit` per transaction says which positions its changes have.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _run(*_SQLITE)
        return
    schema = op.get_bind().dialect.identifier_preparer.quote_identifier(_current_schema())
    _run(*_POSTGRESQL, _SEQUENCE.replace("@schema@", schema))
    _run("REVOKE ALL ON FUNCTION watchword_sequence() FROM PUBLIC")


def _run(*statements: str) -> None:
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def _current_schema() -> str:
    return str(op.get_bind().exec_driver_sql("SELECT current_schema()").scalar_one())


_SQLITE = (
    # AUTOINCREMENT: an id is never given twice, not even when the newest rows are gone.
    """CREATE TABLE watchword_change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT,
    former TEXT,
    before TEXT,
    after TEXT,
    origin TEXT,
    at REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400)
)""",
    """CREATE TABLE watchword_epoch (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    first INTEGER NOT NULL,
    at REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400)
)""",
    # Exactly one row; a value stands in it only inside one of our own transactions.
    "CREATE TABLE watchword_context (origin TEXT)",
    "INSERT INTO watchword_context (origin) VALUES (NULL)",
    # What INSERT OR REPLACE may be about to delete; means nothing after the statement that wrote it.
    """CREATE TABLE watchword_replaced (
    collection TEXT NOT NULL,
    replacing TEXT,
    key TEXT,
    before TEXT
)""",
)

_POSTGRESQL = (
    """CREATE TABLE watchword_change (
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    collection text NOT NULL,
    action "char" NOT NULL,
    key text,
    former text,
    before json,
    after json,
    origin text,
    PRIMARY KEY (tx, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02)""",
    """CREATE TABLE watchword_commit (
    last bigint PRIMARY KEY,
    count integer NOT NULL,
    tx xid8 NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    snap pg_snapshot
) WITH (autovacuum_vacuum_scale_factor = 0.02)""",
    """CREATE TABLE watchword_epoch (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    first bigint NOT NULL,
    cluster text NOT NULL,
    timeline integer NOT NULL,
    started timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
)""",
    """INSERT INTO watchword_commit (last, count, tx, snap)
    VALUES (0, 0, pg_current_xact_id(), pg_current_snapshot())""",
)

# The lock comes first, then what it protects is read, each statement with a snapshot of its own: hence READ COMMITTED.
# Rows that this snapshot shows and the previous one did not are exactly the new commits. In a batch, transactions go by
# their last id: if B waited for a row of A, all of A's ids come before B's last one.
_SEQUENCE = """CREATE FUNCTION watchword_sequence(OUT epoch text, OUT first bigint, OUT last bigint)
LANGUAGE plpgsql VOLATILE SET search_path = @schema@, pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  previous record;
  newest record;
  here text;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'watchword_sequence() needs READ COMMITTED' USING ERRCODE = 'active_sql_transaction';
  END IF;
  PERFORM pg_advisory_xact_lock(7301, 'watchword_commit'::regclass::oid::integer);
  -- What a crash loses of this transaction is made again from the changes, under a new epoch.
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT c.last, c.snap INTO STRICT previous FROM watchword_commit c ORDER BY c.last DESC LIMIT 1;
  SELECT e.id, e.cluster, e.started INTO newest FROM watchword_epoch e ORDER BY e.number DESC LIMIT 1;
  IF newest.started IS DISTINCT FROM pg_postmaster_start_time()
     OR pg_snapshot_xmax(previous.snap) > pg_snapshot_xmax(pg_current_snapshot()) THEN
    SELECT s.system_identifier || '/' || d.oid INTO here
      FROM pg_control_system() s, pg_database d WHERE d.datname = current_database();
    IF newest.cluster IS DISTINCT FROM here AND newest.id IS NOT NULL
       OR pg_snapshot_xmax(previous.snap) > pg_snapshot_xmax(pg_current_snapshot()) THEN
      -- A copy of another database: its transaction ids mean nothing here, so the log starts anew.
      DELETE FROM watchword_change;
      DELETE FROM watchword_epoch;
      DELETE FROM watchword_commit;
      INSERT INTO watchword_commit (last, count, tx, snap)
        VALUES (previous.last, 0, pg_current_xact_id(), pg_current_snapshot());
      SELECT c.last, c.snap INTO STRICT previous FROM watchword_commit c;
    END IF;
    INSERT INTO watchword_epoch (id, first, cluster, timeline, started)
      SELECT (SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', 1 + get_byte(b, i) % 32, 1), '')
              FROM generate_series(0, 7) i), previous.last + 1, here, t.timeline_id, pg_postmaster_start_time()
      FROM pg_control_checkpoint() t, uuid_send(gen_random_uuid()) b
      RETURNING watchword_epoch.id INTO newest.id;
  END IF;
  epoch := newest.id;
  last := previous.last;
  INSERT INTO watchword_commit (last, count, tx, snap)
    SELECT previous.last + sum(g.k) OVER w, g.k, g.tx,
           CASE WHEN row_number() OVER w = count(*) OVER () THEN pg_current_snapshot() END
    FROM (SELECT h.tx, count(*) AS k, max(h.id) AS m FROM watchword_change h
          WHERE h.tx >= pg_snapshot_xmax(previous.snap) OR h.tx = ANY (ARRAY(SELECT pg_snapshot_xip(previous.snap)))
          GROUP BY h.tx) g
    WINDOW w AS (ORDER BY g.m) ORDER BY g.m;
  IF FOUND THEN
    first := previous.last + 1;
    SELECT c.last INTO last FROM watchword_commit c ORDER BY c.last DESC LIMIT 1;
  END IF;
END $$"""
