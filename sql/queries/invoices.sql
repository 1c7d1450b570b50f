-- Invoices, drafts and finalized ones, in the order of customer and period.
SELECT invoice_id, number, status, customer, contract, currency, toString(subtotal) AS subtotal,
    toString(net) AS net, toString(tax) AS tax, toString(total) AS total, toUnixTimestamp(period_from) AS period_from,
    toUnixTimestamp(period_to) AS period_to, toString(toUnixTimestamp64Milli(ifNull(finalized_at, toDateTime64(0, 3, 'UTC')))) AS finalized_ms,
    run_id, cut, merkle_root
FROM finance.invoices
WHERE (empty({customers:Array(String)}) OR customer IN {customers:Array(String)})
    AND ({invoice:String} = '' OR invoice_id = {invoice:String} OR number = {invoice:String})
ORDER BY customer, period_from, contract
