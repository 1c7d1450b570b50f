-- The lines of an invoice in their order.
SELECT line_id, description, toString(quantity) AS quantity, toString(amount) AS amount, toString(event_count) AS event_count
FROM finance.invoice_lines
WHERE invoice_id = {invoice_id:String}
ORDER BY line_number
