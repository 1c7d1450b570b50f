import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/kernel/errors.ts";
import { checkEventText, eventTextOf } from "../../../src/producer/event-text.ts";
import type { ProducerEvent } from "../../../src/producer/producer-types.ts";

const EVENT = { id: "1", source: "gateway/eu", type: "llm.completion", subject: "acme" };

function problemOf(event: object): string {
  try {
    return eventTextOf(event as ProducerEvent).text;
  } catch (error) {
    return error instanceof AppError ? `${error.code}: ${error.message}` : String(error);
  }
}

describe("eventTextOf", () => {
  test("writes the attributes as they are, with the version in front", () => {
    expect(eventTextOf({ ...EVENT, data: { tokens: "0.1" }, region: "eu" })).toEqual({
      source: "gateway/eu",
      id: "1",
      text: '{"specversion":"1.0","id":"1","source":"gateway/eu","type":"llm.completion","subject":"acme","data":{"tokens":"0.1"},"region":"eu"}',
    });
  });

  test.each([
    [{ ...EVENT, id: "" }, 'EVENT_INVALID: the event\'s id is "": it has to be a text that is not empty'],
    [{ ...EVENT, subject: 7 }, "EVENT_INVALID: the event's subject is 7: it has to be a text that is not empty"],
    [{ ...EVENT, type: undefined }, "EVENT_INVALID: the event's type is absent: it has to be a text that is not empty"],
    [{ ...EVENT, source: "a\tb" }, 'EVENT_INVALID: the event\'s source "a\\tb" holds a control character'],
    [{ ...EVENT, id: "ä".repeat(513) }, "EVENT_INVALID: the event's id is longer than 1024 bytes"],
    [{ ...EVENT, data: { n: 1n } }, "EVENT_INVALID: the event gateway/eu/1 is not JSON"],
  ])("refuses what has no JSON or lacks an attribute: $1", (event, problem) => {
    expect(problemOf(event)).toContain(problem);
  });
});

describe("checkEventText", () => {
  // Guarantee: what the sink would reject it rejects itself, where everybody can query it; only what cannot be sent is refused.
  test("lets every text through that has a source and an id", () => {
    expect(() => checkEventText({ source: "\t", id: "x", text: "no JSON" })).not.toThrow();
    expect(() => checkEventText({ source: "", id: "x", text: "{}" })).toThrow(AppError);
    expect(() => checkEventText({ source: "a", id: "x", text: "" })).toThrow(AppError);
  });
});
