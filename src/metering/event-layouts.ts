/**
 * The layouts of a batch's events. Producers send events that look alike, so most of them are read by what is known from one before, which takes half of the time that reading every character
 * anew takes. It changes nothing of what is read: an event that has no known layout is left to the exact reader.
 */
import { isPlain, type EncodedText, type JsonLayout, type TextPlace } from "../kernel/json-layout.ts";
import { learnLayout } from "../kernel/learn-layout.ts";

/** Tried for one event. */
const TRIED_MAX = 8;
/** Learning one takes as long as reading ten events; where each event looks different, it would never pay. */
const LEARNED_MAX = 64;
const LEARNING_COSTS = 10;
/** So many more misses than hits, and nothing is tried any more. */
const MISSES_MAX = 1_000;
/** The same in all events there are, and what a meter hangs on. */
const SAME = new Set(["specversion", "type"]);

export class EventLayouts {
  /** The last one that fitted comes first. */
  readonly #layouts: JsonLayout[] = [];
  #learned = 0;
  #missesAhead = 0;

  /** The layout of the event that begins there, which reads it until the next call; undefined if none is known. */
  find(message: EncodedText, from: TextPlace): JsonLayout | undefined {
    if (this.#missesAhead >= MISSES_MAX) return undefined;
    const layouts = this.#layouts;
    for (let position = 0; position < layouts.length; position += 1) {
      const layout = layouts[position] as JsonLayout;
      if (!layout.fits(message, from)) continue;
      this.#missesAhead -= 1;
      if (position > 0) {
        layouts.splice(position, 1);
        layouts.unshift(layout);
      }
      return layout;
    }
    this.#missesAhead += 1;
    return undefined;
  }

  /** Learns from an event that had no known layout, and in which the exact reader has found no flaw. */
  learn(event: Uint8Array): void {
    if (this.#learned === LEARNED_MAX || this.#missesAhead >= MISSES_MAX || !isPlain(event)) return;
    const layout = learnLayout(event, SAME);
    if (layout === undefined) {
      this.#missesAhead += LEARNING_COSTS;
      return;
    }
    this.#learned += 1;
    this.#layouts.unshift(layout);
    if (this.#layouts.length > TRIED_MAX) this.#layouts.pop();
  }
}
