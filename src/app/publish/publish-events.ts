/**
 * Publishes the events of a file. Every so many lines everything under way is awaited and the place is recorded, so that a run that died
 * goes on there; what it had sent beyond it goes out again as the same messages, which the server recognises by their ids, and the
 * sink by the events' identities.
 */
import { utf8Length } from "../../kernel/utf8.ts";

export type FileEvent = {
  readonly kind: "event";
  readonly line: number;
  readonly source: string;
  readonly id: string;
  readonly text: string;
};
/** A line that cannot become an event. */
export type FileProblem = { readonly kind: "problem"; readonly line: number; readonly message: string };
export type FileItem = FileEvent | FileProblem;

/** Everything up to and including `line` is stored by the server. */
export type PublishProgress = {
  readonly line: number;
  readonly events: number;
  readonly problems: number;
  readonly done: boolean;
};

export type PublishEventsDeps = {
  readonly items: AsyncIterable<FileItem>;
  /** Resolves when the event was taken, with room for the next one. Events are packed in this order, and by it alone. */
  readonly send: (event: FileEvent) => Promise<void>;
  /** Resolves when everything sent is stored. */
  readonly flush: () => Promise<void>;
  readonly save: (progress: PublishProgress) => Promise<void>;
  readonly onProblem: (problem: FileProblem) => void;
  readonly onProgress?: (progress: PublishProgress) => void;
  /** Waits until this many events may have been sent since the start; for a limited rate. */
  readonly pace?: (events: number) => Promise<void>;
};

export type PublishEventsInput = {
  readonly resumeFrom: PublishProgress | null;
  /** The largest event that the server takes. */
  readonly eventBytesMax: number;
};

/** Items between two recorded places. Part of what makes a repetition the same messages: changing it only costs their recognition by id. */
const CHECKPOINT_ITEMS = 20_000;

export async function publishEvents(deps: PublishEventsDeps, input: PublishEventsInput): Promise<PublishProgress> {
  const start = input.resumeFrom ?? { line: 0, events: 0, problems: 0, done: false };
  let { line, events, problems } = start;
  let items = 0;
  for await (const item of deps.items) {
    if (item.line <= start.line) continue;
    line = item.line;
    items += 1;
    const problem = item.kind === "problem" ? item : oversized(item, input.eventBytesMax);
    if (problem !== undefined) {
      problems += 1;
      deps.onProblem(problem);
    } else if (item.kind === "event") {
      events += 1;
      await deps.send(item);
      await deps.pace?.(events - start.events);
    }
    if (items % CHECKPOINT_ITEMS === 0) await checkpoint(deps, { line, events, problems, done: false });
  }
  const end = { line, events, problems, done: true };
  await checkpoint(deps, end);
  return end;
}

async function checkpoint(deps: PublishEventsDeps, progress: PublishProgress): Promise<void> {
  await deps.flush();
  await deps.save(progress);
  deps.onProgress?.(progress);
}

function oversized({ line, text }: FileEvent, bytesMax: number): FileProblem | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= bytesMax) return undefined;
  const bytes = utf8Length(text);
  if (bytes <= bytesMax) return undefined;
  const message = `the event has ${String(bytes)} bytes, but the server takes at most ${String(bytesMax)}`;
  return { kind: "problem", line, message };
}
