-- The Merkle leaves of an invoice in the order of its lines.
SELECT line_hash FROM finance.invoice_lines WHERE invoice_id = {invoice_id: String} ORDER BY line_number
