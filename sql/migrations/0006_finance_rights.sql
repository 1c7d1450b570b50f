-- A user who may read finance.* need not be able to read what lies behind it: the views read with the rights of whoever made them.

ALTER TABLE finance.usage MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.rated_lines MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.invoices MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.invoice_lines MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.line_events MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.late_usage MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.event_verdicts MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.contracts MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;

-- @statement
ALTER TABLE finance.prices MODIFY SQL SECURITY DEFINER DEFINER = CURRENT_USER;
