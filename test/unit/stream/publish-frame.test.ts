import type { NatsConnection } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import {
  createFrameSender,
  FRAME_HEAD_BYTES,
  FRAME_TAIL_BYTES,
  type FramedMessage,
} from "../../../src/stream/publish-frame.ts";

const BODY = '[{"id":"e0"},{"id":"e1"}]';
const REPLY = "_INBOX.a.7";
const HEADERS = "NATS/1.0\r\nNats-Msg-Id: 0a1b\r\n\r\n";

type Wire = { readonly sendCommand?: unknown; readonly flushPending?: unknown; readonly transport?: unknown };

function connectionWith(protocol: Wire, { closed = false, draining = false, max_payload = 1_000 } = {}) {
  const connection = {
    protocol,
    isClosed: () => closed,
    isDraining: () => draining,
    info: { max_payload },
  };
  return connection as unknown as NatsConnection;
}

/** What it is given, as text; a message between two flushes. */
function recordingWire(): { readonly wire: Wire; readonly said: string[] } {
  const said: string[] = [];
  return {
    said,
    wire: {
      transport: { socket: { cork: () => undefined, uncork: () => undefined } },
      sendCommand: (bytes: Uint8Array) => said.push(Buffer.from(bytes).toString("latin1")),
      flushPending: () => said.push("flush"),
    },
  };
}

function framed(message: Partial<FramedMessage> = {}): FramedMessage {
  const memory = new Uint8Array(new ArrayBuffer(4_096), 0, FRAME_HEAD_BYTES + BODY.length + FRAME_TAIL_BYTES);
  memory.set(Buffer.from(BODY), FRAME_HEAD_BYTES);
  const body = memory.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + BODY.length);
  return { subject: "usage.gw", msgId: "0a1b", body, memory, ...message };
}

describe("createFrameSender", () => {
  test("puts the frame around the body, by itself, and again for another attempt", () => {
    const { wire, said } = recordingWire();
    const { send } = createFrameSender(connectionWith(wire));
    const message = framed();
    const frame = `HPUB usage.gw ${REPLY} ${HEADERS.length} ${HEADERS.length + BODY.length}\r\n${HEADERS}${BODY}\r\n`;
    for (const attempt of [1, 2]) {
      expect(send(message, REPLY), `attempt ${attempt}`).toBe(true);
      expect(said.splice(0)).toEqual(["flush", frame, "flush"]);
    }
  });

  // Guarantee: whatever does not fit the frame goes the library's own way, which also says what is wrong.
  test.each([
    ["a subject longer than the room in front", framed({ subject: `usage.${"a".repeat(FRAME_HEAD_BYTES)}` }), {}],
    ["a subject with a line break", framed({ subject: "usage.a\r\nPUB b" }), {}],
    ["an id with a blank", framed({ msgId: "a b" }), {}],
    ["an id beyond ASCII", framed({ msgId: "é" }), {}],
    ["a message that the server does not take", framed(), { max_payload: BODY.length + HEADERS.length - 1 }],
    ["a closed connection", framed(), { closed: true }],
    ["a connection that drains", framed(), { draining: true }],
    ["a body that lies elsewhere", framed({ body: Buffer.from(BODY) }), {}],
    ["memory without room behind the body", framed({ memory: framed().memory.subarray(0, -1) }), {}],
  ])("leaves %s to the library", (_, message, state) => {
    const { wire, said } = recordingWire();
    expect(createFrameSender(connectionWith(wire, state)).send(message, REPLY)).toBe(false);
    expect(said).toEqual([]);
  });

  // Guarantee: over a WebSocket, whose transport sends the whole memory of what it is given, nothing but the message leaves.
  const nothing = (): void => undefined;
  test.each<Wire>([
    {},
    { sendCommand: nothing },
    { flushPending: nothing },
    { sendCommand: nothing, flushPending: nothing, transport: { socket: { send: nothing } } },
  ])("leaves everything to a library that has no such way in, or another kind of socket: %o", (protocol) => {
    expect(createFrameSender(connectionWith(protocol)).send(framed(), REPLY)).toBe(false);
  });

  test.each([[true], [false]])("holds the socket while several are sent: %s", (hasSocket) => {
    const { wire, said } = recordingWire();
    const socket = { cork: () => said.push("cork"), uncork: () => said.push("uncork") };
    const sender = createFrameSender(connectionWith({ ...wire, transport: hasSocket ? { socket } : {} }));
    const held = hasSocket ? [["cork"], ["uncork"]] : [[], []];
    sender.together(() => said.push("sent"));
    expect(said.splice(0)).toEqual([...(held[0] ?? []), "sent", ...(held[1] ?? [])]);
    const failing = (): void => {
      throw new Error("not sent");
    };
    expect(() => {
      sender.together(failing);
    }).toThrow("not sent");
    expect(said).toEqual(held.flat());
  });
});
