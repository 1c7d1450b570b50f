/** The producer's public shapes. Times are in milliseconds, sizes in bytes. */
import type { AppError } from "../kernel/errors.ts";

/** A CloudEvent as an object. `specversion` is added; further attributes are sent as they are. */
export type ProducerEvent = {
  /** With the source the event's identity: the same again never counts twice. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** The customer. */
  readonly subject: string;
  /** RFC 3339 with an offset; without it the time of arrival counts. */
  readonly time?: string;
  /** Anything that JSON can say. A quantity of more than 15 digits belongs in a string: a JavaScript number does not hold it. */
  readonly data?: unknown;
  readonly [attribute: string]: unknown;
};

/** An event that is JSON already: sent byte for byte. The source and the id are those in the text. */
export type EventText = { readonly source: string; readonly id: string; readonly text: string };

/** What became of an event; told exactly once for every event that `send` took. */
export type EventFate = { readonly source: string; readonly id: string } & (
  | {
      /** duplicate: the server had its message already, from an earlier run or from an attempt whose acknowledgement was lost. */
      readonly outcome: "acked" | "duplicate";
      readonly stream: string;
      readonly seq: number;
      /** In its message, from 0. */
      readonly position: number;
    }
  | {
      readonly outcome: "failed";
      /** JETSTREAM_<code>: refused for good. PUBLISH_DEADLINE, PRODUCER_ABORTED, NATS_UNAVAILABLE: stored or not, and safe to send again under the same id. */
      readonly error: AppError;
    }
  | {
      /** Left in the spool by an abort: the next start delivers it and tells its fate. */
      readonly outcome: "spooled";
    }
);

export type ProducerCounts = {
  /** Events that `send` took or the spool brought from an earlier run. */
  readonly accepted: number;
  readonly replayed: number;
  readonly acked: number;
  readonly duplicate: number;
  readonly failed: number;
  readonly spooled: number;
  /** Without a fate yet. */
  readonly underWay: number;
  /** Messages that were acknowledged, and those of them that the server had already. */
  readonly messages: number;
  readonly repeatedMessages: number;
};

export type SpoolOptions = {
  /** Of one producer alone. */
  readonly directory: string;
  /**
   * When `send` resolves: `process` once the system has the event (it survives a crash or `kill -9` of the program, not of the machine), `disk` once it is
   * synced (it survives a power cut; events that wait together share a sync).
   */
  readonly sync?: "process" | "disk";
  /** `send` waits while so much is unsettled on disk. Default 1 GiB. */
  readonly bytesMax?: number;
};

export type ProducerOptions = {
  /** 1 to 10,000; default 100. With 1 each event is a message with the id `<source>/<id>`. */
  readonly eventsPerMessage?: number;
  /** A message is closed before it grows past this; default 256 KiB, at most what the server takes. */
  readonly bytesPerMessage?: number;
  /** The longest that an event waits for others; default 5, Infinity closes messages only by count, bytes and flush. */
  readonly lingerMs?: number;
  /** Messages and bytes without an acknowledgement; `send` waits beyond. Memory of as many bytes is kept for later messages. Default 4,096 and 32 MiB. */
  readonly windowMessages?: number;
  readonly windowBytes?: number;
  /** A message without an answer is sent again after this long; default 5,000. */
  readonly ackTimeoutMs?: number;
  /** An event that is not acknowledged this long after it was packed has failed. Default: never. */
  readonly deadlineMs?: number;
  readonly spool?: SpoolOptions;
  /**
   * Message ids are then hashes over source, salt and body, also of single events: another salt or other content is another message, for events that are meant
   * to be decided again.
   */
  readonly salt?: string;
  /** Aborting ends the producer at once: nothing more is sent, and what has no fate is told as failed or spooled. */
  readonly signal?: AbortSignal;
  readonly onFate?: (fate: EventFate) => void;
  /** At most every second while something moves, and after each flush. */
  readonly onProgress?: (counts: ProducerCounts) => void;
  /** The server takes nothing for the moment, or the spool had a torn end: one sentence. Nothing is lost. */
  readonly onTrouble?: (trouble: string) => void;
};

export type Producer = {
  /**
   * Takes an event; resolves once it is the producer's to deliver. Waits while the window is full, and after each MiB for a turn of the event loop. Rejects with `EVENT_INVALID`, `EVENT_TOO_LARGE`,
   * `PRODUCER_CLOSED` or `PRODUCER_ABORTED`: the event was not taken then and has no fate.
   */
  send(event: ProducerEvent): Promise<void>;
  /** The same for an event that is JSON already. */
  sendText(event: EventText): Promise<void>;
  /**
   * Takes events in their order, as fast as there is room; resolves once all are the producer's. Rejects as `send` does for the first that it does not take: those before
   * it were taken, it and those behind it were not (`counts().accepted` says how many, if nobody else sends; an iterator is closed then). Only after `SPOOL_FAILED` that is not
   * known: it and some behind it may be under way, as the event of a `send` that rejects with it may be, and have a fate then. Sent again, under the same ids, they count once.
   */
  sendAll(events: Iterable<ProducerEvent>): Promise<void>;
  /** The same for events that are JSON already. */
  sendTexts(events: Iterable<EventText>): Promise<void>;
  /** Resolves when every event handed in so far has its fate. */
  flush(): Promise<ProducerCounts>;
  counts(): ProducerCounts;
  /** Flushes and ends; what is sent later is rejected. */
  close(): Promise<ProducerCounts>;
};
