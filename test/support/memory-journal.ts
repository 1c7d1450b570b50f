/** A journal in memory with the real one's rules: one chain, and an append only after the head it names. For tests of decisions. */
import type { Journal } from "../../src/app/ports.ts";
import {
  GENESIS_HASH,
  type JournalBody,
  type JournalEntry,
  type RecordedEntry,
} from "../../src/domain/journal-entry.ts";
import { canonicalJson } from "../../src/kernel/canonical-json.ts";
import { sha256Hex } from "../../src/kernel/hash.ts";

export type MemoryJournal = Journal & { readonly entries: readonly RecordedEntry[] };

export function memoryJournal(): MemoryJournal {
  const entries: RecordedEntry[] = [];
  const head = () => ({ seq: entries.length, hash: entries.at(-1)?.hash ?? GENESIS_HASH });
  const put = (body: JournalBody) => {
    const entry: JournalEntry = { prev: head().hash, recordedAt: "2026-11-02T00:00:00Z", body };
    const bytes = canonicalJson(entry);
    entries.push({ seq: entries.length + 1, hash: sha256Hex(bytes), bytes, entry });
  };
  return {
    entries,
    head: () => Promise.resolve(head()),
    // eslint-disable-next-line @typescript-eslint/require-await -- the port is asynchronous
    read: async function* ({ after, upTo }) {
      yield* entries.filter((entry) => entry.seq > after && entry.seq <= upTo);
    },
    append: async (input) => {
      // Lets others run in between, as a round trip would.
      await new Promise((resolve) => setImmediate(resolve));
      if (input.head.seq !== head().seq || input.head.hash !== head().hash) return null;
      for (const body of input.bodies) put(body);
      return head();
    },
  };
}
