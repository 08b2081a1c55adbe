-- The mailbox's file, version 1 (PRAGMA user_version).
--
-- A name: somebody who has logged in at least once, and has not been forgotten since.
CREATE TABLE name (
    id   INTEGER PRIMARY KEY, -- given by the server, and never again to another name
    name TEXT NOT NULL UNIQUE -- as it logs in
) STRICT;

-- A copy: one accepted line for one name, until it has arrived or has expired.
CREATE TABLE copy (
    name     INTEGER NOT NULL, -- the recipient: name.id
    position INTEGER NOT NULL, -- its place in the row of that name's copies; no two are alike, and
                               -- the first to arrive is the lowest. It may be below zero.
    since    REAL NOT NULL,    -- when it was kept, in seconds since 1970 (UTC) by the mail clock,
                               -- which need not be the wall's: see mail_clock.sql
    line     BLOB NOT NULL,    -- the rendered message, line end included
    PRIMARY KEY (name, position)
) STRICT, WITHOUT ROWID;
