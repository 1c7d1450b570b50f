-- Projections of the journal stream. Every table can be emptied and rebuilt from the stream, and `meterline verify` does so and compares.
-- All are ReplacingMergeTree over the natural key, read with FINAL: a projector that dies half way simply repeats itself.
-- journal_entries is written last and is the projector's watermark.

CREATE TABLE IF NOT EXISTS meterline.journal_entries
(
    seq UInt64,
    kind LowCardinality(String),
    entry String COMMENT 'the bytes of the entry as appended',
    hash String COMMENT 'SHA-256 of the bytes, hex; the next entry names it',
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY seq;

-- @statement
-- Every version of every catalog entity: meter, customer, rate_card, contract.
CREATE TABLE IF NOT EXISTS meterline.catalog_versions
(
    kind LowCardinality(String),
    key String,
    version UInt32,
    hash String COMMENT 'SHA-256 of the canonical JSON of the definition, hex',
    journal_seq UInt64 COMMENT 'the commit entry by which it took effect',
    removed Bool,
    definition String COMMENT 'canonical JSON'
)
ENGINE = ReplacingMergeTree(journal_seq)
ORDER BY (kind, key, version);

-- @statement
CREATE TABLE IF NOT EXISTS meterline.rating_runs
(
    run_id String,
    period String COMMENT 'as asked for: a local month or FROM/TO',
    customers Array(String) COMMENT 'empty: all',
    cut UInt32,
    catalog_seq UInt64,
    rating_rev UInt16,
    lines UInt64,
    lines_hash String COMMENT 'SHA-256 over the lines'' hashes in the order of their ids, hex',
    journal_seq UInt64,
    rated_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(journal_seq)
ORDER BY run_id;

-- @statement
-- A line is a pure function of its stored input and the rating revision; the same run writes the same bytes.
CREATE TABLE IF NOT EXISTS meterline.rated_lines
(
    run_id String,
    line_id String COMMENT '<contract>/<contract version>/<period from>/<price>',
    customer String,
    contract String,
    contract_version UInt32,
    contract_hash String,
    rate_card String,
    rate_card_version UInt32,
    price String,
    meter String COMMENT 'empty for a flat price without a meter',
    aggregation String,
    filter Map(String, String) COMMENT 'the price''s where',
    description String COMMENT 'text for the invoice',
    billing_from DateTime('UTC') COMMENT 'the contract''s billing period',
    billing_to DateTime('UTC'),
    period_from DateTime('UTC') COMMENT 'the part of it that this contract version covers',
    period_to DateTime('UTC'),
    quantity Decimal(76, 18),
    amount Decimal(76, 24) COMMENT 'before rounding to the currency',
    amount_rounded Decimal(76, 4),
    currency LowCardinality(String),
    event_count UInt64,
    shard_ranges Array(Tuple(shard UInt16, incarnation UInt64, first_seq UInt64, last_seq UInt64)),
    events_digest UInt256,
    cut UInt32,
    catalog_seq UInt64,
    rating_rev UInt16,
    input String COMMENT 'canonical JSON of everything the amount follows from',
    breakdown String COMMENT 'JSON: how the amount came about',
    line_hash String COMMENT 'SHA-256 over the canonical JSON of the line, hex'
)
ENGINE = ReplacingMergeTree
ORDER BY (run_id, customer, line_id);

-- @statement
-- Drafts and finalized invoices. A draft can be written again (revision grows with the cut of its run); a finalized one carries the
-- highest revision there is, so nothing replaces it.
CREATE TABLE IF NOT EXISTS meterline.invoices
(
    invoice_id String,
    revision UInt64,
    number String COMMENT 'empty for a draft',
    series String,
    status Enum8('draft' = 1, 'finalized' = 2),
    customer String,
    contract String,
    run_id String,
    cut UInt32,
    currency LowCardinality(String),
    subtotal Decimal(76, 4),
    tax Decimal(76, 4),
    total Decimal(76, 4),
    period_from DateTime('UTC'),
    period_to DateTime('UTC'),
    finalized_at DateTime64(3, 'UTC') COMMENT '1970-01-01 for a draft',
    merkle_root String COMMENT 'hex; over the lines, in their order',
    journal_seq UInt64 COMMENT '0 for a draft'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY invoice_id;

-- @statement
CREATE TABLE IF NOT EXISTS meterline.invoice_lines
(
    invoice_id String,
    revision UInt64 COMMENT 'of the invoice it belongs to',
    line_id String COMMENT '<invoice_id>-<number of the line from 1>',
    line_number UInt32,
    description String,
    run_id String,
    rated_line_id String,
    customer String,
    contract String,
    contract_version UInt32,
    contract_hash String,
    price String,
    meter String,
    filter Map(String, String),
    period_from DateTime('UTC'),
    period_to DateTime('UTC'),
    quantity Decimal(76, 18),
    amount Decimal(76, 4) COMMENT 'rounded to the currency''s minor unit',
    amount_exact Decimal(76, 24),
    currency LowCardinality(String),
    event_count UInt64,
    shard_ranges Array(Tuple(shard UInt16, incarnation UInt64, first_seq UInt64, last_seq UInt64)),
    events_digest UInt256,
    cut UInt32,
    rating_rev UInt16,
    rated_line_hash String,
    line_hash String COMMENT 'the Merkle leaf: SHA-256 over the canonical JSON of the line, hex',
    INDEX line_id line_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (invoice_id, revision, line_number)
SETTINGS index_granularity = 1024;
