import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CASES } from "./coverage.ts";

const read = (file: string) => readFileSync(new URL(`./${file}.test.ts`, import.meta.url), "utf8");

test("all 47 groups are in the table, each tested or with the reason why not", () => {
  expect(Object.keys(CASES).map(Number)).toEqual(Array.from({ length: 47 }, (_, i) => i + 1));
  for (const entry of Object.values(CASES)) expect("here" in entry ? entry.here.length : (entry.absent?.length ?? 0)).toBeGreaterThan(0);
});

test.each(
  Object.entries(CASES).flatMap(([number, entry]) => ("here" in entry ? entry.here.map((file): [string, string] => [number, file]) : [])),
)("case %s is named by a test in %s.test.ts", (number, file) => {
  expect(read(file)).toMatch(new RegExp(`(?:describe|test)(?:\\.each)?[^\\n]*\\(?"${number} |^\\s*"${number} |\\)\\("${number} `, "m"));
});

test("every number that a test claims is in the table under its file", () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".test.ts") && name !== "coverage.test.ts");
  for (const name of files) {
    const file = name.replace(".test.ts", "");
    for (const [, number] of read(file).matchAll(/(?:describe|test|\))\("(\d{1,2}) /g)) {
      const entry = CASES[Number(number)];
      expect(entry !== undefined && "here" in entry && entry.here, `${number} in ${name}`).toContain(file);
    }
  }
});

test("tests that stand elsewhere are there", () => {
  for (const entry of Object.values(CASES)) {
    if (!("here" in entry)) continue;
    for (const path of entry.elsewhere ?? []) expect(existsSync(new URL(`../../${path}`, import.meta.url)), path).toBe(true);
  }
});
