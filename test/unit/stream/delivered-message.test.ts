import type { Msg } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { createMessageReader } from "../../../src/stream/delivered-message.ts";

/** As the client library keeps it. */
function messageOf({ reply = "", subject = "usage.gw", header = "", body = "{}" }): Msg {
  const data = Buffer.from(header + body);
  const kept = { subject: Buffer.from(subject), ...(reply !== "" && { reply: Buffer.from(reply) }) };
  const hdr = header === "" ? -1 : header.length;
  return { _msg: { ...kept, hdr }, _rdata: data, subject, data: data.subarray(header.length) } as unknown as Msg;
}

const REPLY = "$JS.ACK.USAGE_0.sink.1.9007199254740991.17.1767225600123456789.3";

describe("a delivered message", () => {
  test("tells its numbers, exactly, and its time", () => {
    const read = createMessageReader();
    expect(read(messageOf({ reply: REPLY }))).toMatchObject({
      seq: Number.MAX_SAFE_INTEGER,
      consumerSeq: 17,
      ingestedAt: 1_767_225_600_123_456_789n,
      subject: "usage.gw",
      body: Buffer.from("{}"),
      binaryMode: false,
    });
  });

  test("is acknowledged where its reply says, also where that begins with domain and account", () => {
    const withDomain = "$JS.ACK.hub.ACCHASH.USAGE_0.sink.1.40.7.1767225600123456789.0.x1";
    for (const reply of [REPLY, withDomain]) {
      const message = createMessageReader()(messageOf({ reply }));
      expect(message?.ackSubject(message.seq, message.consumerSeq)).toBe(reply);
    }
    expect(createMessageReader()(messageOf({ reply: withDomain }))).toMatchObject({
      seq: 40,
      consumerSeq: 7,
      ingestedAt: 1_767_225_600_123_456_789n,
    });
  });

  test("has its own subject, whatever the one before had", () => {
    const read = createMessageReader();
    const subjects = ["usage.gw", "usage.gw", "usage.gx", "usage.g"].map(
      (subject) => read(messageOf({ reply: REPLY, subject }))?.subject,
    );
    expect(subjects).toEqual(["usage.gw", "usage.gw", "usage.gx", "usage.g"]);
  });

  test.each([
    ["NATS/1.0\r\nce-id: 1\r\n\r\n", "{}", true],
    ["NATS/1.0\r\nNats-Msg-Id: 1\r\nCE-Type: x\r\n\r\n", "{}", true],
    ["NATS/1.0\r\nNats-Msg-Id: ce-1\r\nc: ce-\r\n\r\n", "{}", false],
    ["NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n", "\nce-in the body", false],
    ["", "\nce-", false],
  ])("is in binary mode where a header begins with ce-: %j %j", (header, body, binaryMode) => {
    expect(createMessageReader()(messageOf({ reply: REPLY, header, body }))).toMatchObject({ binaryMode });
  });

  test("kept in another way than the library's is an error, and not a message of nothing", () => {
    expect(() => createMessageReader()({ reply: REPLY, subject: "usage.gw" } as Msg)).toThrow(
      /keeps messages otherwise/,
    );
  });

  test("without a reply is none", () => {
    expect(createMessageReader()(messageOf({}))).toBeNull();
  });
});
