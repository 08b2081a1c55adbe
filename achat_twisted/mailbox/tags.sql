-- From version 1 to version 2: the tags of clients that resume, see tags.py.
--
-- Every number of a copy means something to such clients, so rows begin at 1 now; in version 1 they
-- could begin anywhere.
CREATE TEMP TABLE shift AS
    SELECT name, 1 - min(position) AS places
    FROM (SELECT name, position FROM copy UNION ALL SELECT name, position FROM record)
    GROUP BY name;
CREATE TABLE shifted (
    name     INTEGER NOT NULL, -- the recipient: name.id
    position INTEGER NOT NULL, -- the number of the message: its place in the row of that name's
                               -- copies, from 1 on; no two are alike
    since    REAL NOT NULL,    -- when it was kept, in seconds since 1970 (UTC) by the mail clock,
                               -- which need not be the wall's: see mail_clock.sql
    line     BLOB NOT NULL,    -- the rendered message, line end included
    PRIMARY KEY (name, position)
) STRICT, WITHOUT ROWID;
INSERT INTO shifted
    SELECT name, position + places, since, line FROM copy JOIN shift USING (name);
DROP TABLE copy;
ALTER TABLE shifted RENAME TO copy;
UPDATE record SET position = position + (SELECT places FROM shift WHERE shift.name = record.name);
DROP TABLE shift;

-- When the lines of a record came, by the mail clock; 0 if version 1 has written it.
ALTER TABLE record ADD COLUMN since REAL NOT NULL DEFAULT 0;

-- The lowest number in the row; of the next copy, if the row is empty. It is right while the file
-- holds tags of that name.
ALTER TABLE name ADD COLUMN first INTEGER NOT NULL DEFAULT 1;

-- A tag: one client of that name. The file holds tags only while it can vouch for them: with
-- --durable always, or else from an ordered stop to the next start.
CREATE TABLE tag (
    name  INTEGER NOT NULL, -- name.id
    tag   TEXT NOT NULL,    -- as the client says it
    era   TEXT NOT NULL,    -- made up with this row, and what all numbers belong to
    lines INTEGER NOT NULL, -- the number of its lines that are taken in
    heard INTEGER NOT NULL, -- the number of the last line whose fate the client knows
    used  REAL NOT NULL,    -- when its last session began or ended, by the mail clock
    PRIMARY KEY (name, tag)
) STRICT, WITHOUT ROWID;

-- A refusal that its tag may not have heard; see achat_twisted.wire.tags.Verdict.
CREATE TABLE refusal (
    name    INTEGER NOT NULL,
    tag     TEXT NOT NULL,
    first   INTEGER NOT NULL, -- the number of the first line
    last    INTEGER NOT NULL, -- the number of the last line
    word    TEXT NOT NULL,    -- as the client hears it
    subject TEXT NOT NULL,    -- the recipient; or the rest of the notice, if there are no copies
    copies  INTEGER NOT NULL,
    PRIMARY KEY (name, tag, first, word, subject)
) STRICT, WITHOUT ROWID;
