/** The copy of a shard's filter that a start begins with, and that is written anew beside the batches. What goes wrong with it is no reason to stop: the table has everything. */
import type { FilterCopies, SinkLog } from "../ports.ts";
import type { FilterCopy } from "../../domain/filter-copy.ts";
import { filterFromCopy, lastOf, type FilterSource, type LoadedFilter } from "./load-filter.ts";

export type KeptCopyInput = {
  readonly source: FilterSource;
  readonly copies: FilterCopies;
  readonly log: SinkLog | undefined;
};

export class KeptCopy {
  private readonly input: KeptCopyInput;
  private readonly closing = new AbortController();
  private writing: Promise<void> | null = null;

  constructor(input: KeptCopyInput) {
    this.input = input;
  }

  /** Null when there is none to begin with. */
  async load(): Promise<LoadedFilter | null> {
    const { source, copies } = this.input;
    try {
      const copy = await copies.read(source.shard);
      return copy === null ? null : await filterFromCopy(source, copy);
    } catch (error) {
      this.failed(error);
      return null;
    }
  }

  /** Nothing while another one is being written. */
  begin(copy: Omit<FilterCopy, "identities">, onWritten: () => void): void {
    if (this.writing !== null || this.closing.signal.aborted) return;
    this.writing = this.write(copy)
      .then(onWritten, (error: unknown) => {
        if (!this.closing.signal.aborted) this.failed(error);
      })
      .finally(() => {
        this.writing = null;
      });
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.writing;
  }

  private async write(copy: Omit<FilterCopy, "identities">): Promise<void> {
    const { source, copies } = this.input;
    const { store, shard } = source;
    // Counted by the table: a number kept here would count a batch twice that was stored when the filter was loaded, and added after it was inserted again.
    const identities = await store.countIdentities({ shard, upTo: lastOf(copy.plan) });
    await copies.write(shard, { ...copy, identities }, this.closing.signal);
  }

  private failed(error: unknown): void {
    const { source, log } = this.input;
    const text = error instanceof Error ? error.message : String(error);
    log?.warn({ shard: source.shard, error: text }, "no copy of the identity filter: a start reads all identities");
  }
}
