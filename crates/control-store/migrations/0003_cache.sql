-- How much a hyperdrive's cache may hold, what it follows, and what holds for some tables only. The
-- defaults are those of a file that says nothing.
ALTER TABLE hyperdrives ADD COLUMN cache_max_bytes INTEGER NOT NULL DEFAULT 67108864;
ALTER TABLE hyperdrives ADD COLUMN cache_max_entry_bytes INTEGER NOT NULL DEFAULT 1048576;
ALTER TABLE hyperdrives ADD COLUMN cache_follow TEXT NOT NULL DEFAULT 'nothing'
    CHECK (cache_follow IN ('nothing', 'binlog'));

CREATE TABLE cache_rules (
    hyperdrive_id  TEXT    NOT NULL REFERENCES hyperdrives (id),
    -- Their order is that of the declaration.
    position       INTEGER NOT NULL,
    -- NULL: a table of this name in any database.
    table_database TEXT,
    table_name     TEXT    NOT NULL,
    -- NULL: nothing is kept.
    max_age        INTEGER,
    PRIMARY KEY (hyperdrive_id, position)
) STRICT;
