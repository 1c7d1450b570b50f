/** The catalog as the sink decides with it: at the journal's head for a new batch, as of a recorded entry for a replay. Compiled once per head. */
import { compileMeteringCatalog, type MeteringCatalog } from "../../metering/metering-catalog.ts";
import type { JournalReader } from "../catalog/journal-reader.ts";

export type MeteringCatalogs = {
  /** Its `seq` is the head's sequence, which the plan records. */
  readonly head: () => Promise<MeteringCatalog>;
  readonly at: (journalSeq: number) => Promise<MeteringCatalog>;
};

/** `onHead` is told of every head that is seen for the first time. */
export function meteringCatalogs(reader: JournalReader, onHead: (journalSeq: number) => void): MeteringCatalogs {
  let newest: MeteringCatalog | null = null;
  return {
    head: async () => {
      const { catalog } = await reader.head();
      if (newest?.seq === catalog.seq) return newest;
      newest = compileMeteringCatalog(catalog);
      onHead(newest.seq);
      return newest;
    },
    at: async (journalSeq) => compileMeteringCatalog((await reader.at(journalSeq)).catalog),
  };
}
