import { describe, expect, it } from "vitest";
import { useNotesImage } from "../support/notes.ts";
import { runChildFile } from "./child.ts";

const notes = useNotesImage();

/** That a run which passes, and one which fails, leave nothing is seen in mutations.test.ts. */
describe("the suite leaves nothing behind", () => {
  it("when Ctrl-C ends it in the middle of a test", async () => {
    const child = runChildFile("drain", { CHIO_TEST_NOTES: notes }, "--testNamePattern", "slow engine");
    await child.until(/^owner \d+$/m);
    const names = ["-receipt-engine", "-chio-sidecar", "-app"].map((name) => expect.stringMatching(new RegExp(`${name} `)));
    await expect.poll(() => child.left(), { timeout: 60_000, interval: 250 }).toEqual(expect.arrayContaining(names));
    // A terminal sends it to the whole group.
    process.kill(-child.child.pid!, "SIGINT");
    expect(await child.ended, child.output()).not.toBe(0);
    await expect.poll(() => child.left(), { timeout: 60_000, interval: 250 }).toEqual([]);
  }, 240_000);
});
