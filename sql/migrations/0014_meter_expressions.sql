-- Values that are computed: how `meterline verify` reads a meter's expression and computes it again, in SQL alone and without the sink's code.

-- Tightness of an operator that waits for its operands; brackets, commas and functions are not tight at all.
CREATE FUNCTION IF NOT EXISTS usage_expression_tightness AS (word) ->
    transform(word, ['+', '-', '*', 'neg'], [1, 1, 2, 3], 0);

-- @statement
-- How many of the waiting operators, from the last one back, are at least so tight.
CREATE FUNCTION IF NOT EXISTS usage_expression_due AS (waiting, tightness) ->
    arrayFirstIndex(operator -> usage_expression_tightness(operator) < tightness, arrayReverse(arrayConcat(['('], waiting))) - 1;

-- @statement
-- The words, and before each the one that stands before it: a minus behind nothing, an operator, a bracket or a comma is a sign.
CREATE FUNCTION IF NOT EXISTS usage_expression_words AS (expression) ->
    arrayMap((word, before) -> if(word = '-' AND before IN ('', '(', ',', '+', '-', '*'), 'neg', word),
        extractAll(expression, '"[^"]*"|/[^\\s()+*,"]*|[0-9]+(?:\\.[0-9]+)?|[A-Za-z_]+|[-+*(),]'),
        arrayPopBack(arrayConcat([''], extractAll(expression, '"[^"]*"|/[^\\s()+*,"]*|[0-9]+(?:\\.[0-9]+)?|[A-Za-z_]+|[-+*(),]'))));

-- @statement
-- How many commas end what waits: so many operands more than one has the bracket before them.
CREATE FUNCTION IF NOT EXISTS usage_expression_commas AS (waiting) ->
    arrayFirstIndex(symbol -> symbol != ',', arrayReverse(arrayConcat(['('], waiting))) - 1;

-- @statement
-- The function before the bracket that is closed; empty for a bracket alone.
CREATE FUNCTION IF NOT EXISTS usage_expression_name AS (waiting) ->
    extract(arrayElement(arrayConcat([''], waiting), length(waiting) - usage_expression_commas(waiting)), '^(?:min|max|coalesce|round|floor|ceil)$');

-- @statement
-- What a closed bracket gives, and what waits behind it.
CREATE FUNCTION IF NOT EXISTS usage_expression_call AS (waiting) ->
    multiIf(usage_expression_name(waiting) = '', CAST([] AS Array(String)),
        usage_expression_name(waiting) IN ('min', 'max', 'coalesce'), arrayResize(CAST([] AS Array(String)), usage_expression_commas(waiting), usage_expression_name(waiting)),
        [concat(usage_expression_name(waiting), toString(usage_expression_commas(waiting)))]);

-- @statement
CREATE FUNCTION IF NOT EXISTS usage_expression_left AS (waiting) ->
    arraySlice(waiting, 1, length(waiting) - usage_expression_commas(waiting) - 1 - if(usage_expression_name(waiting) = '', 0, 1));

-- @statement
-- The expression in postfix order (Dijkstra's shunting yard): its parts, and the operators that wait. min, max and coalesce of several are pairs from the left;
-- round, floor and ceil have the number of commas in their name.
CREATE FUNCTION IF NOT EXISTS usage_expression_program AS (expression) ->
    tupleElement(arrayFold((state, word) -> multiIf(
        match(word, '^["/0-9]'), (arrayPushBack(state.1, trim(BOTH '"' FROM word)), state.2),
        word IN ('(', 'neg') OR match(word, '^[a-z]'), (state.1, arrayPushBack(state.2, word)),
        word IN ('+', '-', '*'), (
            arrayConcat(state.1, arrayReverse(arraySlice(state.2, length(state.2) - usage_expression_due(state.2, usage_expression_tightness(word)) + 1))),
            arrayPushBack(arraySlice(state.2, 1, length(state.2) - usage_expression_due(state.2, usage_expression_tightness(word))), word)),
        word = ',', (
            arrayConcat(state.1, arrayReverse(arraySlice(state.2, length(state.2) - usage_expression_due(state.2, 1) + 1))),
            arrayPushBack(arraySlice(state.2, 1, length(state.2) - usage_expression_due(state.2, 1)), ',')),
        (
            arrayConcat(state.1, arrayReverse(arraySlice(state.2, length(state.2) - usage_expression_due(state.2, 1) + 1)),
                usage_expression_call(arraySlice(state.2, 1, length(state.2) - usage_expression_due(state.2, 1)))),
            usage_expression_left(arraySlice(state.2, 1, length(state.2) - usage_expression_due(state.2, 1))))),
        arrayConcat(['('], usage_expression_words(expression), [')']),
        (CAST([] AS Array(String)), CAST([] AS Array(String)))), 1);

-- @statement
-- A decimal as an integer times 10^-36: Int256 holds 40 digits before the point and 36 behind it, which the sink allows between the steps.
CREATE FUNCTION IF NOT EXISTS usage_expression_scaled AS (text) ->
    toInt256(toDecimal256OrZero(text, 18) * toInt256('1000000000000000000')) * toInt256('1000000000000000000');

-- @statement
CREATE FUNCTION IF NOT EXISTS usage_expression_rounded AS (word, value, step) ->
    multiIf(startsWith(word, 'floor'), intDiv(value, step) - toInt256(value % step < 0), startsWith(word, 'ceil'), intDiv(value, step) + toInt256(value % step > 0),
        toInt256(sign(value)) * intDiv(toInt256(2) * toInt256(abs(value)) + step, toInt256(2) * step)) * step;

-- @statement
-- Of two (is there a value, the value).
CREATE FUNCTION IF NOT EXISTS usage_expression_pair AS (word, a, b) ->
    CAST((if(word = 'coalesce', a.1 OR b.1, a.1 AND b.1),
        multiIf(word = 'coalesce', if(a.1 = 1, a.2, b.2), word = '+', a.2 + b.2, word = '-', a.2 - b.2,
            word = '*', intDiv(a.2, toInt256('1000000000000000000')) * intDiv(b.2, toInt256('1000000000000000000')),
            word = 'min', if(a.2 < b.2, a.2, b.2), if(a.2 > b.2, a.2, b.2))), 'Tuple(UInt8, Int256)');

-- @statement
-- The value of a program as a decimal; empty when it is missing. To each pointer of the program belongs the JSON there.
CREATE FUNCTION IF NOT EXISTS usage_expression_value AS (program, nodes) ->
    arrayElement(arrayMap(result -> if(result.1 = 1,
            toString(toDecimal256(intDiv(result.2, toInt256('1000000000000000000')), 0) * toDecimal256('0.000000000000000001', 18)), ''),
        arrayFold((stack, word, node) -> multiIf(
            startsWith(word, '/'), arrayPushBack(stack, CAST((usage_text_of(node) != '', usage_expression_scaled(usage_text_of(node))), 'Tuple(UInt8, Int256)')),
            match(word, '^[0-9]'), arrayPushBack(stack, CAST((1, usage_expression_scaled(word)), 'Tuple(UInt8, Int256)')),
            word = 'neg', arrayPushBack(arrayPopBack(stack), CAST((stack[-1].1, -stack[-1].2), 'Tuple(UInt8, Int256)')),
            match(word, '^(?:round|floor|ceil)0$'), arrayPushBack(arrayPopBack(stack),
                CAST((stack[-1].1, usage_expression_rounded(word, stack[-1].2, toInt256(concat('1', repeat('0', 36))))), 'Tuple(UInt8, Int256)')),
            match(word, '^(?:round|floor|ceil)1$'), arrayPushBack(arrayPopBack(arrayPopBack(stack)),
                CAST((stack[-2].1, usage_expression_rounded(word, stack[-2].2,
                    toInt256(concat('1', repeat('0', 36 - toUInt8(intDiv(stack[-1].2, toInt256(concat('1', repeat('0', 36)))))))))), 'Tuple(UInt8, Int256)')),
            arrayPushBack(arrayPopBack(arrayPopBack(stack)), usage_expression_pair(word, stack[-2], stack[-1]))),
            program, nodes, CAST([] AS Array(Tuple(UInt8, Int256))))), 1);
