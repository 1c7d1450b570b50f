-- The taxes of an invoice, or of one of its lines.
SELECT tax_key AS key, name, kind, toString(rate) AS rate, reason, included, toString(sum(base)) AS base, toString(sum(amount)) AS amount
FROM finance.invoice_taxes
WHERE invoice_id = {invoice_id: String} AND ({line_id: String} = '' OR line_id = {line_id: String})
GROUP BY tax_key, name, kind, rate, reason, included
ORDER BY kind != 'rate', max(position), tax_key, rate
