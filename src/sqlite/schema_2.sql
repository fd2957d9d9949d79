-- Version 2: operators sign in. Codes are kept as their SHA-256 only.

CREATE TABLE accounts (
    id       TEXT    NOT NULL PRIMARY KEY,
    login    TEXT    NOT NULL UNIQUE,
    password TEXT    NOT NULL, -- a PHC string
    name     TEXT    NOT NULL,
    owner    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sign_ins (
    secret  BLOB    NOT NULL PRIMARY KEY,
    account TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    started INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_ins_of_account ON sign_ins (account, started);
CREATE INDEX sign_ins_by_end ON sign_ins (expires);

CREATE TABLE invitations (
    code    BLOB    NOT NULL PRIMARY KEY,
    kind    TEXT    NOT NULL, -- that of `grants`
    account TEXT    REFERENCES accounts (id) ON DELETE CASCADE, -- whose password it sets
    grants  TEXT    NOT NULL, -- JSON
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX operators_by_id ON operators (id);
