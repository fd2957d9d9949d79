-- Version 1. The log and the store share the file; a later version adds, it does not rewrite.

-- The log. Events are only ever inserted, and removed with their session; its row changes once,
-- when it is closed.
CREATE TABLE sessions (
    sid     INTEGER PRIMARY KEY,
    session BLOB    NOT NULL UNIQUE,
    site    TEXT    NOT NULL,
    visitor BLOB    NOT NULL,
    ordinal INTEGER NOT NULL,
    started INTEGER NOT NULL,
    closed  INTEGER
) STRICT;

CREATE INDEX sessions_of_visitor ON sessions (site, visitor, ordinal);
CREATE INDEX sessions_open ON sessions (started) WHERE closed IS NULL;

CREATE TABLE events (
    sid    INTEGER NOT NULL REFERENCES sessions (sid),
    offset INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    data   BLOB    NOT NULL, -- an event's stored form, MessagePack
    PRIMARY KEY (sid, offset)
) STRICT, WITHOUT ROWID;

-- Always empty: written to and cleared again in one transaction, to find out whether there is room.
CREATE TABLE probe (filler BLOB NOT NULL) STRICT;

-- The store.
CREATE TABLE sites (
    number INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE,
    key    TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL -- JSON
) STRICT;

CREATE TABLE operators (
    site TEXT NOT NULL REFERENCES sites (id),
    id   TEXT NOT NULL,
    name TEXT NOT NULL,
    rank TEXT NOT NULL,
    PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

-- The high half of a rowid is its site's number, so that a search reads one site's range only.
CREATE VIRTUAL TABLE passages USING fts5 (
    title, heading, text, slug UNINDEXED, language UNINDEXED,
    tokenize = 'unicode61 remove_diacritics 2'
);
