/** The disk of a sink with its copies of identity filters: it outlives the process, and a copy that was begun when the process died is not there. */
import type { FilterCopies } from "../../../src/app/ports.ts";
import type { FilterCopy } from "../../../src/domain/filter-copy.ts";
import type { SimProcess } from "../sim-process.ts";
import type { World } from "../world.ts";

const READ_MS = 1;
const WRITE_MS = 20;

/** The host's name is that of its processes without their number. */
export function filterCopiesPort(world: World, process: SimProcess): FilterCopies {
  const [host = ""] = process.name.split("#");
  const pathOf = (shard: number): string => `${host}/${shard}`;
  const { disks } = world;
  return {
    read: async (shard) => {
      await process.clock.sleep(READ_MS);
      const copy = disks.get(pathOf(shard));
      if (copy === undefined) return null;
      world.trace(() => `${process.name} finds a copy of ${copy.size} identities behind message ${copy.plan.last}`);
      return taken(copy);
    },
    write: async (shard, copy) => {
      const begun = taken(copy);
      await process.clock.sleep(WRITE_MS);
      // The filter has got more bits while it was written.
      const words = world.defects.has("filter-copy-late-by-a-batch")
        ? lateWords(world, pathOf(shard), begun)
        : copy.words;
      disks.set(pathOf(shard), taken({ ...begun, words }));
    },
  };
}

function taken(copy: FilterCopy): FilterCopy {
  return { ...copy, words: copy.words.slice() };
}

/** Those of the copy before, said to be of this one. */
function lateWords(world: World, path: string, copy: FilterCopy): Uint32Array {
  const before = world.disks.get(path);
  return before?.words.length === copy.words.length ? before.words : copy.words;
}
