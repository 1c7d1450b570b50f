/** A small file system of its own, so that a disk can be filled. Needs the right to mount; without it, it says so. */
import { execFileSync } from "node:child_process";
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../temp-dir.ts";

export type SmallDisk = {
  readonly path: string;
  /** Leaves so many bytes free. */
  readonly fill: (leaveBytes: number) => void;
  readonly empty: () => void;
  readonly remove: () => Promise<void>;
};

const SIZE_MIB = 128;
const FILLS_MAX = 50;

/** Null where mounting is not permitted; the reason is printed. */
export async function smallDisk(): Promise<SmallDisk | null> {
  const dir = await tempDir("small-disk");
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs", dir.path], { stdio: "pipe" });
  } catch (error) {
    await dir.remove();
    process.stderr.write(`No small disk, because mounting a tmpfs is not permitted here: ${String(error)}\n`);
    return null;
  }
  const ballast = join(dir.path, "ballast");
  return {
    path: dir.path,
    fill: (leaveBytes) => {
      // The server goes on writing beside it (merges): what was free a moment ago may be taken, then it is measured again.
      for (let left = FILLS_MAX; ; left -= 1) {
        const { bavail, bsize } = statfsSync(dir.path);
        try {
          writeFileSync(ballast, Buffer.alloc(Math.max(bavail * bsize - leaveBytes, 0)));
          return;
        } catch (error) {
          rmSync(ballast, { force: true });
          if (left === 1) throw error;
        }
      }
    },
    empty: () => {
      rmSync(ballast, { force: true });
    },
    remove: async () => {
      execFileSync("umount", ["-l", dir.path], { stdio: "pipe" });
      await dir.remove();
    },
  };
}
