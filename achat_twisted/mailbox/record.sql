-- Records: lines that go straight to a name that is here, of a server with --durable, until they
-- have arrived. They stand in the order in which they came, a run in one row, and nobody looks for
-- them while the server runs; so a commit writes a page or two, whoever its lines are for.
--
-- When a session ends, what it has not got becomes copies, and after an ordered stop there are no
-- records. After a crash the next start makes copies of them.
--
-- A file of version 1 may have this table already, or not.
CREATE TABLE IF NOT EXISTS record (
    id       INTEGER PRIMARY KEY,
    name     INTEGER NOT NULL, -- the recipient: name.id
    position INTEGER NOT NULL, -- of the first line, as copy.position
    copies   INTEGER NOT NULL, -- the number of lines
    lines    BLOB NOT NULL     -- the rendered messages, line ends included
) STRICT;
