import { JetStreamApiError } from "@nats-io/jetstream";
import { NoRespondersError, TimeoutError } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { classifyNatsError } from "../../../src/stream/classify-error.ts";

function refused(err_code: number): JetStreamApiError {
  return new JetStreamApiError({ code: 503, err_code, description: "no" });
}

class JetStreamNotEnabled extends Error {
  override readonly name = "JetStreamNotEnabled";
}

// Guarantee: a server whose disk was full switches JetStream off until it is started anew; whoever meets it meanwhile waits.
test.each<[string, unknown]>([
  ["JetStream that is switched off, as the client says it", new JetStreamNotEnabled("jetstream is not enabled")],
  ["JetStream that is switched off, as the server says it", refused(10_076)],
  ["insufficient storage", refused(10_047)],
  ["a full stream", refused(10_077)],
  ["a full account", refused(10_002)],
  ["a consumer whose store cannot be made", refused(10_012)],
  ["the same by the name of its own", refused(10_104)],
  ["a stream whose store cannot be made", refused(10_049)],
  ["a subject whose last sequence is not known yet", refused(10_163)],
  ["a time-out", new TimeoutError()],
  ["nobody there", new NoRespondersError("x")],
])("%s is waited for", (_what, error) => {
  expect(classifyNatsError(error, "testing").kind).toBe("unavailable");
});

test.each<[string, unknown, string]>([
  ["a lost race", refused(10_071), "conflict"],
  ["a stream that does not exist", refused(10_059), "broken"],
  ["a consumer with another configuration", refused(10_013), "broken"],
  ["a setting that the server does not take", refused(10_052), "broken"],
  ["something that nobody knows", new Error("what?"), "broken"],
])("%s is not", (_what, error, kind) => {
  expect(classifyNatsError(error, "testing").kind).toBe(kind);
});
