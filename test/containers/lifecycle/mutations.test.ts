import { describe, expect, it } from "vitest";
import { useNotesImage } from "../support/notes.ts";
import { runChildFile } from "./child.ts";
import { MUTANTS } from "./mutants.ts";

const notes = useNotesImage();

/** The suite, in a Vitest of its own, over topologies that are broken on purpose. */
describe("the suite notices that", () => {
  it.each(MUTANTS.map((mutant, number) => ({ ...mutant, number })))(
    "on $platform $what, and nothing where it is not so",
    async ({ number, title }) => {
      const run = async (broken: boolean) => {
        const mutant = JSON.stringify({ number, broken, notes });
        const child = runChildFile("mutant", { CHIO_TEST_MUTANT: mutant }, "--testNamePattern", title);
        const code = await child.ended;
        const result = { code, passed: child.titles("passed").length, failed: child.titles("failed") };
        return { result, output: child.output(), left: child.left() };
      };
      const sound = await run(false);
      expect(sound.result, sound.output).toEqual({ code: 0, passed: 1, failed: [] });
      expect(sound.left).toEqual([]);
      const broken = await run(true);
      expect(broken.result, broken.output).toEqual({ code: 1, passed: 0, failed: [expect.stringContaining(title)] });
      expect(broken.left).toEqual([]);
    },
    300_000,
  );
});
