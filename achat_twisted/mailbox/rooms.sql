-- From version 2 to version 3: rows with several readers, see shared.py and rows.py.
--
-- A room is a name that begins with #, which nobody can log in with, and what is said in it are the
-- copies of that name, each line once, whoever reads it. So are the copies of a name with devices.
--
-- A cursor: the place of a reader in a row. It needs about 51 bytes.
CREATE TABLE cursor (
    name     INTEGER NOT NULL, -- the reader: name.id
    tag      TEXT NOT NULL,    -- its device; '' for its sessions without one, '/' for the
                               -- foremost of those that were forgotten
    row      INTEGER NOT NULL, -- the room, or the reader itself: name.id
    position INTEGER NOT NULL, -- of the next line that it has not got; one before the first line of
                               -- the row counts as that
    PRIMARY KEY (name, tag, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
    id       INTEGER PRIMARY KEY, -- name.id
    era      TEXT NOT NULL,       -- made up with the room, and what its numbers belong to; '' while
                                  -- the file cannot vouch for them
    is_open  INTEGER NOT NULL,    -- 1 if everybody may join
    is_quiet INTEGER NOT NULL     -- 1 if only owners may say something
) STRICT;

CREATE TABLE owner (
    room INTEGER NOT NULL,
    name TEXT NOT NULL, -- as it logs in
    PRIMARY KEY (room, name)
) STRICT, WITHOUT ROWID;
