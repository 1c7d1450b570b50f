/**
 * Time that only passes when nothing is left to do: events wait in a queue and run one at a time, in the order of their moments, and whatever
 * continues after an await does so before the next event. The order of all steps of all processes is therefore a function of the seed alone.
 */
import type { SeededRandom } from "./seeded-random.ts";

export type VirtualTime = {
  nowMs(): number;
  /** Runs `action` after so many milliseconds; events of the same moment run in an order that chance decides. */
  after(ms: number, action: () => void): void;
  /** Runs events until `done`, until nothing is left, or until a limit; says which. */
  run(input: RunInput): Promise<"done" | "idle" | "late" | "busy">;
};
type RunInput = { readonly done: () => boolean; readonly untilMs: number; readonly eventsMax: number };
type Event = { readonly atMs: number; readonly order: number; readonly action: () => void };

export function virtualTime(startMs: number, random: SeededRandom): VirtualTime {
  const queue: Event[] = [];
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    after: (ms, action) => {
      push(queue, { atMs: nowMs + Math.max(0, ms), order: random.below(2 ** 30), action });
    },
    run: async ({ done, untilMs, eventsMax }) => {
      for (let events = 0; events < eventsMax; events += 1) {
        if (done()) return "done";
        const event = pop(queue);
        if (event === undefined) return "idle";
        if (event.atMs > untilMs) {
          push(queue, event);
          return "late";
        }
        nowMs = event.atMs;
        event.action();
        await everythingContinued();
      }
      return "busy";
    },
  };
}

/** A macrotask begins only when no promise is left to continue. */
function everythingContinued(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A binary heap, the earliest event first. */
function push(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Event;
    if (!before(event, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child += 1;
    if (!before(heap[child] as Event, last)) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
  return first;
}
