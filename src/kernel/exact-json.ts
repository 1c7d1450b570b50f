/**
 * Exact JSON (RFC 8259): the tree keeps every number as it was written, refuses a name that comes twice in one object, is bounded in depth,
 * and says where each element of a top-level array lies. JSON.parse can do none of these; see docs/adr/0003-exact-json-parser.md.
 * Hand-written because it runs once per event. Errors are values: bad input is an expected outcome and must stay cheap.
 *
 * Refused besides bad grammar: lone surrogates written as escapes (no UTF-8 can store them, so two different texts would become equal
 * bytes), a byte order mark, unescaped control characters. An escaped NUL is an ordinary character here; who reads the text decides.
 * The text must come from valid UTF-8 (`decodeUtf8`), so that it holds no lone surrogates of its own.
 */
import { JsonNumber, JsonObject, type JsonValue } from "./json-tree.ts";

/** What makes a text unreadable (`invalid_json`, `too_deep`), or an element unusable although its grammar is right. */
export type JsonErrorCode = "empty" | "invalid_json" | "too_deep" | "too_many_elements" | JsonFlawCode;
export type JsonFlawCode = "duplicate_key" | "lone_surrogate";

export type JsonError = { readonly error: JsonErrorCode; readonly at: number };

/** One JSON text and where it lies in the whole: `[start, end)` in UTF-16 units. */
export type JsonElement = {
  readonly value: JsonValue;
  readonly start: number;
  readonly end: number;
  readonly flaw: { readonly error: JsonFlawCode; readonly at: number } | undefined;
};

export type JsonDocument = { readonly kind: "single" | "array"; readonly elements: readonly JsonElement[] };

export const JSON_DEPTH_MAX = 64;

type Cursor = {
  readonly text: string;
  at: number;
  error: JsonErrorCode | undefined;
  errorAt: number;
  flaw: JsonFlawCode | undefined;
  flawAt: number;
};

/**
 * Reads one JSON text. A flaw of an element of a top-level array stays with that element, so that one bad event does not take down its
 * neighbours; everything else is an error of the whole.
 */
export function parseExactJson(text: string, elementsMax: number): JsonDocument | JsonError {
  const cursor = cursorAt(text, 0);
  skipSpace(cursor);
  if (cursor.at === text.length) return { error: "empty", at: 0 };
  const document = text.charCodeAt(cursor.at) === 91 ? readElements(cursor, elementsMax) : readSingle(cursor);
  if (document === undefined) return { error: cursor.error ?? "invalid_json", at: cursor.errorAt };
  skipSpace(cursor);
  return cursor.at === text.length ? document : { error: "invalid_json", at: cursor.at };
}

/** Reads one value of a text, the one that begins there. */
export function parseExactElement(text: string, start: number): JsonElement | JsonError {
  const cursor = cursorAt(text, start);
  return readElement(cursor) ?? { error: cursor.error ?? "invalid_json", at: cursor.errorAt };
}

function cursorAt(text: string, at: number): Cursor {
  return { text, at, error: undefined, errorAt: 0, flaw: undefined, flawAt: 0 };
}

function readSingle(cursor: Cursor): JsonDocument | undefined {
  const element = readElement(cursor);
  return element && { kind: "single", elements: [element] };
}

function readElements(cursor: Cursor, elementsMax: number): JsonDocument | undefined {
  const elements: JsonElement[] = [];
  cursor.at += 1;
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) === 93) {
    cursor.at += 1;
    return { kind: "array", elements };
  }
  for (;;) {
    // Stops here rather than at the end: what cannot be used is not worth reading.
    if (elements.length === elementsMax) return fail(cursor, "too_many_elements");
    const element = readElement(cursor);
    if (element === undefined) return undefined;
    elements.push(element);
    skipSpace(cursor);
    const separator = cursor.text.charCodeAt(cursor.at);
    if (separator !== 44 && separator !== 93) return fail(cursor, "invalid_json");
    cursor.at += 1;
    if (separator === 93) return { kind: "array", elements };
    skipSpace(cursor);
  }
}

/** Depth counts within the element: an event is as deep alone as it is in a batch. */
function readElement(cursor: Cursor): JsonElement | undefined {
  const start = cursor.at;
  cursor.flaw = undefined;
  const value = readValue(cursor, 0);
  if (value === undefined) return undefined;
  const flaw = cursor.flaw === undefined ? undefined : { error: cursor.flaw, at: cursor.flawAt };
  return { value, start, end: cursor.at, flaw };
}

/** Reads the value that begins at the cursor; undefined once the cursor has an error. */
function readValue(cursor: Cursor, depth: number): JsonValue | undefined {
  const code = cursor.text.charCodeAt(cursor.at);
  if (code === 34) return readString(cursor);
  if (code === 123) return readObject(cursor, depth + 1);
  if (code === 45 || (code >= 48 && code <= 57)) return readNumber(cursor);
  if (code === 91) return readArray(cursor, depth + 1);
  if (code === 116) return readLiteral(cursor, "true", true);
  if (code === 102) return readLiteral(cursor, "false", false);
  if (code === 110) return readLiteral(cursor, "null", null);
  return fail(cursor, "invalid_json");
}

function readObject(cursor: Cursor, depth: number): JsonObject | undefined {
  if (depth > JSON_DEPTH_MAX) return fail(cursor, "too_deep");
  const object = new JsonObject();
  const { text } = cursor;
  cursor.at += 1;
  skipSpace(cursor);
  if (text.charCodeAt(cursor.at) === 125) {
    cursor.at += 1;
    return object;
  }
  for (;;) {
    const nameAt = cursor.at;
    if (text.charCodeAt(nameAt) !== 34) return fail(cursor, "invalid_json");
    const name = readString(cursor);
    if (name === undefined) return undefined;
    skipSpace(cursor);
    if (text.charCodeAt(cursor.at) !== 58) return fail(cursor, "invalid_json");
    cursor.at += 1;
    skipSpace(cursor);
    const value = readValue(cursor, depth);
    if (value === undefined) return undefined;
    if (!object.add(name, value)) note(cursor, "duplicate_key", nameAt);
    skipSpace(cursor);
    const separator = text.charCodeAt(cursor.at);
    if (separator !== 44 && separator !== 125) return fail(cursor, "invalid_json");
    cursor.at += 1;
    if (separator === 125) return object;
    skipSpace(cursor);
  }
}

function readArray(cursor: Cursor, depth: number): readonly JsonValue[] | undefined {
  if (depth > JSON_DEPTH_MAX) return fail(cursor, "too_deep");
  const items: JsonValue[] = [];
  cursor.at += 1;
  skipSpace(cursor);
  if (cursor.text.charCodeAt(cursor.at) === 93) {
    cursor.at += 1;
    return items;
  }
  for (;;) {
    const value = readValue(cursor, depth);
    if (value === undefined) return undefined;
    items.push(value);
    skipSpace(cursor);
    const separator = cursor.text.charCodeAt(cursor.at);
    if (separator !== 44 && separator !== 93) return fail(cursor, "invalid_json");
    cursor.at += 1;
    if (separator === 93) return items;
    skipSpace(cursor);
  }
}

function readString(cursor: Cursor): string | undefined {
  const { text } = cursor;
  const start = cursor.at + 1;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      cursor.at = at + 1;
      return text.slice(start, at);
    }
    if (code === 92) return readEscapedString(cursor, at);
    if (code < 32) return failAt(cursor, at);
  }
  return failAt(cursor, text.length);
}

/** The rest of a string from its first backslash on, which is rare. */
function readEscapedString(cursor: Cursor, firstEscape: number): string | undefined {
  const { text } = cursor;
  const start = cursor.at;
  let decoded = "";
  let copiedTo = cursor.at + 1;
  let at = firstEscape;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      cursor.at = at + 1;
      decoded += text.slice(copiedTo, at);
      if (hasLoneSurrogate(decoded)) note(cursor, "lone_surrogate", start);
      return decoded;
    }
    if (code < 32) return failAt(cursor, at);
    if (code !== 92) {
      at += 1;
      continue;
    }
    const character = escapedCharacter(text, at);
    if (character === undefined) return failAt(cursor, at);
    decoded += text.slice(copiedTo, at) + character;
    at += text.charCodeAt(at + 1) === 117 ? 6 : 2;
    copiedTo = at;
  }
  return failAt(cursor, text.length);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const FOUR_HEX_DIGITS = /^[0-9a-fA-F]{4}$/;

function escapedCharacter(text: string, backslashAt: number): string | undefined {
  const letter = text.charAt(backslashAt + 1);
  if (letter !== "u") return SHORT_ESCAPES[letter];
  const digits = text.slice(backslashAt + 2, backslashAt + 6);
  return FOUR_HEX_DIGITS.test(digits) ? String.fromCharCode(Number.parseInt(digits, 16)) : undefined;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** With the flag `u` a pair is one character, so that only a lone half has the property. */
function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

function readNumber(cursor: Cursor): JsonNumber | undefined {
  const { text } = cursor;
  const start = cursor.at;
  let at = start;
  if (text.charCodeAt(at) === 45) at += 1;
  const integerEnd = skipDigits(text, at);
  if (integerEnd === at || (text.charCodeAt(at) === 48 && integerEnd > at + 1)) return failAt(cursor, at);
  at = integerEnd;
  if (text.charCodeAt(at) === 46) {
    const end = skipDigits(text, at + 1);
    if (end === at + 1) return failAt(cursor, at);
    at = end;
  }
  if ((text.charCodeAt(at) | 32) === 101) {
    const sign = text.charCodeAt(at + 1);
    const digitsAt = sign === 43 || sign === 45 ? at + 2 : at + 1;
    const end = skipDigits(text, digitsAt);
    if (end === digitsAt) return failAt(cursor, at);
    at = end;
  }
  cursor.at = at;
  return new JsonNumber(text.slice(start, at));
}

function skipDigits(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(at)) at += 1;
  return at;
}

function readLiteral<T extends boolean | null>(cursor: Cursor, word: string, value: T): T | undefined {
  if (!cursor.text.startsWith(word, cursor.at)) return fail(cursor, "invalid_json");
  cursor.at += word.length;
  return value;
}

function skipSpace(cursor: Cursor): void {
  const { text } = cursor;
  let code = text.charCodeAt(cursor.at);
  while (code === 32 || code === 10 || code === 13 || code === 9) {
    cursor.at += 1;
    code = text.charCodeAt(cursor.at);
  }
}

/** Notes the first flaw of the element; reading goes on, because where the element ends must still be found. */
function note(cursor: Cursor, flaw: JsonFlawCode, at: number): void {
  if (cursor.flaw !== undefined) return;
  cursor.flaw = flaw;
  cursor.flawAt = at;
}

function fail(cursor: Cursor, error: JsonErrorCode): undefined {
  cursor.error = error;
  cursor.errorAt = cursor.at;
  return undefined;
}

function failAt(cursor: Cursor, at: number): undefined {
  cursor.at = at;
  return fail(cursor, "invalid_json");
}
