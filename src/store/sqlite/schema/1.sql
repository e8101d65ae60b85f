-- The data, version 1. Times are microseconds since 1970.
--
-- The constraints enforce the service's promises, whatever program writes here with foreign keys
-- on. No more grants than the stock, no second grant to a user, no count below the number of
-- grants. `verify` finds what SQLite cannot prevent: a program can switch constraints off, and
-- REPLACE deletes without running triggers.

CREATE TABLE discounts (
    number        INTEGER PRIMARY KEY, -- in order of creation; what other tables call it
    id            TEXT    NOT NULL UNIQUE,
    brand_id      TEXT    NOT NULL,
    discount_code TEXT    NOT NULL,
    total_count   INTEGER NOT NULL,
    granted_count INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL UNIQUE,
    starts_at     INTEGER, -- NULL: from its creation on
    expires_at    INTEGER, -- NULL: never
    CONSTRAINT stock CHECK (granted_count BETWEEN 0 AND total_count)
) STRICT;

CREATE INDEX discounts_of_brand ON discounts (brand_id, created_at);

-- The key begins with the user, so that one tree both forbids a second grant and is the user's
-- wallet. New entries of the index below go to its end only (docs/adr/0009).
CREATE TABLE grants (
    user_id    TEXT    NOT NULL,
    discount   INTEGER NOT NULL REFERENCES discounts (number),
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, discount)
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_of_discount ON grants (discount, granted_at);

CREATE TRIGGER grants_are_counted AFTER INSERT ON grants BEGIN
    UPDATE discounts SET granted_count = granted_count + 1 WHERE number = new.discount;
END;

CREATE TRIGGER deleted_grants_are_counted AFTER DELETE ON grants BEGIN
    UPDATE discounts SET granted_count = granted_count - 1 WHERE number = old.discount;
END;

CREATE TRIGGER counts_are_not_lowered BEFORE UPDATE OF granted_count ON discounts
WHEN new.granted_count < old.granted_count
    AND new.granted_count < (SELECT count(*) FROM grants WHERE discount = old.number)
BEGIN
    SELECT raise(ABORT, 'there are more grants');
END;

CREATE TRIGGER grants_do_not_change BEFORE UPDATE ON grants BEGIN
    SELECT raise(ABORT, 'a grant does not change');
END;

-- The use of a brand's idempotency key, with the inputs of that request. A discount may change
-- later; the first request of a key does not.
CREATE TABLE idempotency_keys (
    brand_id       TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    discount       INTEGER NOT NULL REFERENCES discounts (number),
    discount_code  TEXT    NOT NULL,
    total_count    INTEGER NOT NULL,
    starts_at      INTEGER,
    expires_at     INTEGER,
    forgotten_from INTEGER NOT NULL,
    PRIMARY KEY (brand_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_end ON idempotency_keys (forgotten_from);
