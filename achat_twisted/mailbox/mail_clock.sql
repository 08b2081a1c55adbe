-- The last noted standing of the mail clock, in one row; see mail_clock.py.
--
-- It is added to a file of version 1 that does not have it, and an achat that does not know it
-- leaves it alone.
CREATE TABLE IF NOT EXISTS mail_clock (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    mail REAL NOT NULL, -- the mail clock, by which copy.since is stamped
    wall REAL NOT NULL  -- the wall clock at the same moment
) STRICT;
