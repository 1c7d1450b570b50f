-- How `meterline verify` reads an event's bytes again, in SQL alone and without the sink's code: a second, independent decoder.

-- The event's text with every number made a string of its source text, because ClickHouse's JSON functions read numbers as binary floating
-- point. A pass over strings and numbers marks both; \x01 cannot stand in valid JSON, so the marks of strings fall away unambiguously.
CREATE FUNCTION IF NOT EXISTS usage_document AS (raw) ->
    replaceAll(replaceAll(replaceRegexpAll(raw, '("(?:[^"\\\\]|\\\\.)*")|(-?[0-9][0-9.eE+-]*)', '\\1\x01\\2\x01'), '\x01\x01', ''), '\x01', '"');

-- @statement
-- The raw JSON at a JSON pointer (RFC 6901), empty when there is nothing.
CREATE FUNCTION IF NOT EXISTS usage_json_at AS (document, pointer) ->
    arrayFold((node, name) -> if(startsWith(node, '['), JSONExtractRaw(node, toUInt32OrZero(name) + 1), JSONExtractRaw(node, name)),
        arrayMap(part -> replaceAll(replaceAll(part, '~1', '/'), '~0', '~'), arraySlice(splitByChar('/', pointer), 2)),
        document);

-- @statement
-- The text of a scalar at a JSON pointer: strings without quotes, numbers as written, true and false; null and nothing are empty.
CREATE FUNCTION IF NOT EXISTS usage_text_at AS (document, pointer) ->
    if(startsWith(usage_json_at(document, pointer), '"'),
        JSONExtractString(concat('[', usage_json_at(document, pointer), ']'), 1),
        if(usage_json_at(document, pointer) = 'null', '', usage_json_at(document, pointer)));
