-- What terms over several lines took off an invoice, or one of its lines, in the order in which they were applied.
SELECT kind, adjustment_key AS key, any(name) AS name, toString(sum(amount)) AS amount, groupArray(text) AS texts
FROM finance.invoice_adjustments
WHERE invoice_id = {invoice_id: String} AND ({line_id: String} = '' OR line_id = {line_id: String})
GROUP BY kind, adjustment_key
ORDER BY max(position), kind, adjustment_key
