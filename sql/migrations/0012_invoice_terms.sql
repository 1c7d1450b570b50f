-- What terms that span several lines make of an invoice: discounts and maximums taken off the lines, shortfalls as further lines, and taxes. Rows of before have none, so that the
-- defaults are what they would have said; the projection compares them as such.

ALTER TABLE meterline.invoices
    ADD COLUMN IF NOT EXISTS adjustment Decimal(76, 4) DEFAULT 0,
    ADD COLUMN IF NOT EXISTS net Decimal(76, 4) DEFAULT subtotal;

-- @statement
ALTER TABLE meterline.invoice_lines
    ADD COLUMN IF NOT EXISTS adjustment Decimal(76, 4) DEFAULT 0,
    ADD COLUMN IF NOT EXISTS net Decimal(76, 4) DEFAULT amount,
    ADD COLUMN IF NOT EXISTS tax Decimal(76, 4) DEFAULT 0,
    ADD COLUMN IF NOT EXISTS adjustments Array(Tuple(kind String, key String, name String, amount Decimal(76, 4), text String)) DEFAULT [],
    ADD COLUMN IF NOT EXISTS taxes Array(Tuple(key String, name String, kind String, rate Decimal(38, 18), reason String, included Bool,
        base Decimal(76, 4), amount Decimal(76, 4))) DEFAULT [],
    ADD COLUMN IF NOT EXISTS compares Array(String) DEFAULT [],
    ADD COLUMN IF NOT EXISTS explanation Array(String) DEFAULT [];

-- @statement
CREATE OR REPLACE VIEW finance.invoices
(
    invoice_id String COMMENT 'follows from contract and billing period',
    number String COMMENT 'position in its series, without gaps: INV-000042; empty for a draft',
    status String COMMENT 'draft (can change) or finalized (never changes)',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    currency String COMMENT 'ISO 4217 code',
    subtotal Decimal(76, 4) COMMENT 'sum of the lines'' rounded amounts',
    tax Decimal(76, 4) COMMENT 'all taxes, also those that the lines'' amounts contain',
    total Decimal(76, 4) COMMENT 'what is to be paid: net plus tax',
    period_from DateTime('UTC') COMMENT 'start of the billing period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    finalized_at Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was finalized; null for a draft',
    merkle_root String COMMENT 'root over the lines, hex; of a finalized invoice it stands in the journal',
    run_id String COMMENT 'rating run that its lines come from',
    cut UInt32 COMMENT 'the invoice counts what was known as of this cut',
    series String COMMENT 'number series; empty for a draft',
    journal_seq Nullable(UInt64) COMMENT 'journal sequence of the finalization; null for a draft',
    adjustment Decimal(76, 4) COMMENT 'what discounts and maximums take off the subtotal, below zero',
    net Decimal(76, 4) COMMENT 'before tax: subtotal and adjustment, without the taxes that they contain'
) AS
SELECT invoice_id, number, toString(status) AS status, customer, contract, currency, subtotal, tax, total, period_from, period_to,
    nullIf(finalized_at, toDateTime64(0, 3, 'UTC')) AS finalized_at, merkle_root, run_id, cut, series, nullIf(journal_seq, 0) AS journal_seq,
    adjustment, net
FROM meterline.invoices FINAL;

-- @statement
ALTER TABLE finance.invoices MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
CREATE OR REPLACE VIEW finance.invoice_lines
(
    invoice_id String COMMENT 'invoice that the line belongs to',
    line_id String COMMENT '<invoice id>-<number of the line from 1>',
    line_number UInt32 COMMENT 'place on the invoice, from 1',
    description String COMMENT 'text of the line',
    quantity Decimal(76, 18) COMMENT 'metered quantity of the service period',
    amount Decimal(76, 4) COMMENT 'rounded to the minor unit of the currency; what the subtotal adds up',
    amount_exact Decimal(76, 24) COMMENT 'before rounding',
    currency String COMMENT 'ISO 4217 code',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    contract_version UInt32 COMMENT 'version of the contract that holds in the line''s period',
    contract_hash String COMMENT 'content hash of that version (SHA-256, hex)',
    price String COMMENT 'key of the price, or of the commitment whose shortfall the line is',
    meter String COMMENT 'key of the meter; empty for a flat price',
    filter Map(String, String) COMMENT 'dimension values the price is limited to',
    period_from DateTime('UTC') COMMENT 'start of the service period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    event_count UInt64 COMMENT 'events behind the quantity',
    shard_ranges Array(Tuple(shard UInt16, incarnation UInt64, first_seq UInt64, last_seq UInt64)) COMMENT 'per stream: first and last sequence of those events',
    events_digest String COMMENT 'sum modulo 2^256 of the events'' SHA-256 leaves, hex',
    cut UInt32 COMMENT 'the line counts what was known as of this cut',
    run_id String COMMENT 'rating run that the line comes from',
    rated_line_id String COMMENT 'line of that run in finance.rated_lines; empty for the shortfall of a commitment',
    rated_line_hash String COMMENT 'SHA-256 over the canonical JSON of the rated line, hex',
    rating_rev UInt16 COMMENT 'revision of the rating rules',
    line_hash String COMMENT 'leaf of the invoice''s Merkle tree, hex',
    status String COMMENT 'of the invoice: draft or finalized',
    number String COMMENT 'of the invoice; empty for a draft',
    adjustment Decimal(76, 4) COMMENT 'the line''s share of what discounts and maximums take off, below zero',
    net Decimal(76, 4) COMMENT 'before tax: amount and adjustment, without the taxes that they contain; an invoice''s net is the sum of its lines''',
    tax Decimal(76, 4) COMMENT 'the line''s share of the invoice''s taxes',
    compares Array(String) COMMENT 'of a shortfall: the lines whose sum falls short of the commitment',
    explanation Array(String) COMMENT 'of a shortfall: how it came about'
) AS
SELECT l.invoice_id AS invoice_id, line_id, line_number, description, quantity, amount, amount_exact, l.currency AS currency, l.customer AS customer,
    l.contract AS contract, contract_version, contract_hash, price, meter, filter, l.period_from AS period_from, l.period_to AS period_to,
    event_count, shard_ranges, leftPad(lower(hex(events_digest)), 64, '0') AS events_digest, l.cut AS cut, l.run_id AS run_id, rated_line_id,
    rated_line_hash, rating_rev, line_hash, toString(i.status) AS status, i.number AS number, adjustment, net, tax,
    compares, explanation
FROM meterline.invoice_lines AS l FINAL
INNER JOIN (SELECT invoice_id, revision, status, number FROM meterline.invoices FINAL) AS i
    ON i.invoice_id = l.invoice_id AND i.revision = l.revision;

-- @statement
ALTER TABLE finance.invoice_lines MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
CREATE OR REPLACE VIEW finance.invoice_taxes
(
    invoice_id String COMMENT 'invoice of the line',
    number String COMMENT 'of the invoice; empty for a draft',
    status String COMMENT 'of the invoice: draft or finalized',
    line_id String COMMENT 'invoice line that the tax is on',
    customer String COMMENT 'key of the customer',
    tax_key String COMMENT 'key of the rate or exemption in the contract''s taxes',
    name String COMMENT 'as the invoice shows it',
    kind String COMMENT 'rate, reverse_charge or exempt',
    rate Decimal(38, 18) COMMENT 'in percent; 0 without tax',
    reason String COMMENT 'why there is no tax; empty where there is',
    included Bool COMMENT 'the line''s amount contains the tax',
    base Decimal(76, 4) COMMENT 'the line''s net, which is taxed',
    amount Decimal(76, 4) COMMENT 'the line''s share; per invoice and tax the shares add up to the tax',
    currency String COMMENT 'ISO 4217 code',
    period_from DateTime('UTC') COMMENT 'start of the line''s service period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    position UInt32 COMMENT 'place among those of the line, from 1'
) AS
SELECT l.invoice_id AS invoice_id, i.number AS number, toString(i.status) AS status, line_id, l.customer AS customer, t.key AS tax_key,
    t.name AS name, t.kind AS kind, t.rate AS rate, t.reason AS reason, t.included AS included, t.base AS base, t.amount AS amount,
    l.currency AS currency, l.period_from AS period_from, l.period_to AS period_to, position
FROM (SELECT * FROM meterline.invoice_lines FINAL) AS l
INNER JOIN (SELECT invoice_id, revision, status, number FROM meterline.invoices FINAL) AS i
    ON i.invoice_id = l.invoice_id AND i.revision = l.revision
ARRAY JOIN l.taxes AS t, arrayEnumerate(l.taxes) AS position;

-- @statement
ALTER TABLE finance.invoice_taxes MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
CREATE OR REPLACE VIEW finance.invoice_adjustments
(
    invoice_id String COMMENT 'invoice of the line',
    number String COMMENT 'of the invoice; empty for a draft',
    status String COMMENT 'of the invoice: draft or finalized',
    line_id String COMMENT 'invoice line that it is taken off',
    customer String COMMENT 'key of the customer',
    kind String COMMENT 'discount or maximum',
    adjustment_key String COMMENT 'key of the terms in the contract',
    name String COMMENT 'as the invoice shows it',
    amount Decimal(76, 4) COMMENT 'the line''s share, below zero; per invoice and key the shares add up to the whole',
    text String COMMENT 'how it came about',
    currency String COMMENT 'ISO 4217 code',
    period_from DateTime('UTC') COMMENT 'start of the line''s service period',
    period_to DateTime('UTC') COMMENT 'its end, not part of it',
    position UInt32 COMMENT 'place among those of the line, from 1'
) AS
SELECT l.invoice_id AS invoice_id, i.number AS number, toString(i.status) AS status, line_id, l.customer AS customer, a.kind AS kind,
    a.key AS adjustment_key, a.name AS name, a.amount AS amount, a.text AS text, l.currency AS currency, l.period_from AS period_from,
    l.period_to AS period_to, position
FROM (SELECT * FROM meterline.invoice_lines FINAL) AS l
INNER JOIN (SELECT invoice_id, revision, status, number FROM meterline.invoices FINAL) AS i
    ON i.invoice_id = l.invoice_id AND i.revision = l.revision
ARRAY JOIN l.adjustments AS a, arrayEnumerate(l.adjustments) AS position;

-- @statement
ALTER TABLE finance.invoice_adjustments MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
