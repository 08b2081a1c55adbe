-- Where the mail clock stood when it was last noted, in one row; see mail_clock.py.
--
-- It is added to a file of version 1 that does not have it, and an achat that does not know it
-- leaves it alone.
CREATE TABLE IF NOT EXISTS mail_clock (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    mail REAL NOT NULL, -- what the mail clock said, by which copy.since is stamped
    wall REAL NOT NULL  -- what the wall clock said at the same moment
) STRICT;
