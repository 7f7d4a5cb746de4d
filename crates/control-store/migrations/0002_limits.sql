-- Limits of a hyperdrive's clients, and how many connections and statements its pool keeps. NULL: no
-- limit. The defaults are those of a file that says nothing.
ALTER TABLE hyperdrives ADD COLUMN pool_min INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hyperdrives ADD COLUMN pool_max_statements INTEGER NOT NULL DEFAULT 256;
ALTER TABLE hyperdrives ADD COLUMN limit_user_connections INTEGER;
ALTER TABLE hyperdrives ADD COLUMN limit_query_timeout INTEGER;
ALTER TABLE hyperdrives ADD COLUMN limit_transaction_timeout INTEGER;
ALTER TABLE hyperdrives ADD COLUMN limit_idle_transaction_timeout INTEGER DEFAULT 600000;
