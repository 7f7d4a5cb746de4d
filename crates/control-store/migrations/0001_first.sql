-- What an edge keeps over restarts. Columns that end in _sealed hold secrets, sealed with the key
-- in `sealing.key`; all durations are milliseconds.

-- One row: a known value under the key, by which a wrong key is noticed at once.
CREATE TABLE sealing (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    proof_sealed BLOB    NOT NULL
) STRICT;

CREATE TABLE tunnels (
    id            TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    account       TEXT    NOT NULL,
    secret_sealed BLOB    NOT NULL,
    -- 1: the store made it, and keeps it; 0: it was declared.
    secret_made   INTEGER NOT NULL CHECK (secret_made IN (0, 1))
) STRICT;

CREATE TABLE hyperdrives (
    id                           TEXT    PRIMARY KEY,
    name                         TEXT    NOT NULL UNIQUE,
    user                         TEXT    NOT NULL UNIQUE,
    password_sealed              BLOB    NOT NULL,
    -- 1: the store made it, and keeps it; 0: it was declared.
    password_made                INTEGER NOT NULL CHECK (password_made IN (0, 1)),
    origin_host                  TEXT    NOT NULL,
    origin_port                  INTEGER NOT NULL CHECK (origin_port BETWEEN 0 AND 65535),
    -- NULL: the edge dials the origin itself.
    tunnel_id                    TEXT    REFERENCES tunnels (id),
    tls_mode                     TEXT    NOT NULL
        CHECK (tls_mode IN ('disabled', 'required', 'verify-ca', 'verify-identity')),
    tls_roots_pem                TEXT,
    origin_user                  TEXT    NOT NULL,
    origin_password_sealed       BLOB    NOT NULL,
    origin_database              TEXT,
    pool_max                     INTEGER NOT NULL,
    pool_max_waiting             INTEGER NOT NULL,
    pool_wait_timeout            INTEGER NOT NULL,
    pool_connect_timeout         INTEGER NOT NULL,
    pool_idle_timeout            INTEGER NOT NULL,
    pool_max_lifetime            INTEGER NOT NULL,
    cache_enabled                INTEGER NOT NULL CHECK (cache_enabled IN (0, 1)),
    cache_max_age                INTEGER NOT NULL,
    cache_stale_while_revalidate INTEGER NOT NULL
) STRICT;

-- Keys of the edge itself, such as the one of its QUIC stateless resets.
CREATE TABLE edge_keys (
    name       TEXT PRIMARY KEY,
    key_sealed BLOB NOT NULL
) STRICT;
