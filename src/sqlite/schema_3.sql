-- Version 3: closed sessions are removed some day.

CREATE INDEX sessions_closed ON sessions (closed) WHERE closed IS NOT NULL;

-- The highest ordinal of each visitor's sessions that were removed: none up to it is given again.
CREATE TABLE removed (
    site    TEXT    NOT NULL,
    visitor BLOB    NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (site, visitor)
) STRICT, WITHOUT ROWID;
