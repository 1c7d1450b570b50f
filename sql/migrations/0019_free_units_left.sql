-- Free units that a billing period leaves over for the next one, on the invoice line that ends it. A line of before has none.

-- Left units have as many places as their unit conversion makes; the exact number is in the journal and in the input of the rated line.
ALTER TABLE meterline.invoice_lines
    ADD COLUMN IF NOT EXISTS left_over Array(Tuple(granted Date, quantity Decimal(76, 24), periods UInt16)) DEFAULT [];

-- @statement
CREATE OR REPLACE VIEW finance.free_units_left
(
    invoice_id String COMMENT 'invoice of the line',
    number String COMMENT 'of the invoice; empty for a draft',
    status String COMMENT 'of the invoice: draft or finalized; only what a finalized one leaves over can be used',
    line_id String COMMENT 'invoice line of the price, in the part that ends the billing period',
    customer String COMMENT 'key of the customer',
    contract String COMMENT 'key of the contract',
    price String COMMENT 'key of the price whose free units they are',
    granted Date COMMENT 'local date on which the billing period began that granted them',
    quantity Decimal(76, 24) COMMENT 'units that are left at the end of the line''s period, in the converted unit, down to 24 places',
    periods UInt32 COMMENT 'in how many billing periods after the next one they may still be used',
    period_to DateTime('UTC') COMMENT 'end of the billing period that leaves them, where the next one begins',
    position UInt32 COMMENT 'place among those of the line, from 1; the first are used first'
) AS
SELECT l.invoice_id AS invoice_id, i.number AS number, toString(i.status) AS status, line_id, l.customer AS customer, l.contract AS contract,
    l.price AS price, g.granted AS granted, g.quantity AS quantity, g.periods AS periods, l.period_to AS period_to, position
FROM (SELECT * FROM meterline.invoice_lines FINAL) AS l
INNER JOIN (SELECT invoice_id, revision, status, number FROM meterline.invoices FINAL) AS i
    ON i.invoice_id = l.invoice_id AND i.revision = l.revision
ARRAY JOIN l.left_over AS g, arrayEnumerate(l.left_over) AS position;

-- @statement
ALTER TABLE finance.free_units_left MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
-- As it was, only that its base may hold other taxes.
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
    base Decimal(76, 4) COMMENT 'what is taxed: the line''s net, with the taxes that a compound rate taxes too',
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
