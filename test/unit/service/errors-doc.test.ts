import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { REASONS } from "../../../sidecar/kernel/reasons.ts";

const PATH = "docs/errors.md";
const text = readFileSync(PATH, "utf8");

/** Every exported object of codes: name to code to cause. */
async function catalogues(): Promise<Map<string, Record<string, string>>> {
  const found = new Map<string, Record<string, string>>();
  for (const layer of ["sidecar", "infra"].flatMap((root) => readdirSync(root).map((name) => join(root, name)))) {
    const path = join(layer, "errors.ts");
    if (!existsSync(path)) continue;
    const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) if (name.endsWith("_ERRORS")) found.set(name, value as Record<string, string>);
  }
  return found;
}

const region = (name: string) => new RegExp(`(<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${name} -->)`);

/** Code to what to do, as the page has it. */
function advice(name: string): Map<string, string> {
  const rows = [...(region(name).exec(text)?.[2] ?? "").matchAll(/^\| `([a-z0-9_]+)` \| .*? ?\| (.*) \|$/gm)];
  return new Map(rows.map(([, code, what]) => [code!, what!.trim()]));
}

/** `|` would end the cell. */
const cell = (words: string) => words.replaceAll("|", "\\|");

/** Causes are sentences in some modules and phrases in others; on the page all are sentences. */
function sentence(cause: string): string {
  const first = /^[a-z]+\./.test(cause) ? cause.charAt(0) : cause.charAt(0).toUpperCase();
  return cell(`${first}${cause.slice(1)}${cause.endsWith(".") ? "" : "."}`);
}

describe("docs/errors.md", () => {
  it("has every code with its cause, and no other", async () => {
    let expected = text;
    for (const [name, codes] of await catalogues()) {
      expect(text, `${name} has no section`).toMatch(region(name));
      const known = advice(name);
      const rows = Object.entries(codes).map(([code, cause]) => `| \`${code}\` | ${sentence(cause)} | ${known.get(code) ?? ""} |`);
      const table = ["| Code | Cause | What to do |", "| --- | --- | --- |", ...rows, ""].join("\n");
      expected = expected.replace(region(name), (_all, start: string, _old, end: string) => `${start}${table}${end}`);
    }
    const rows = Object.entries(REASONS).map(
      ([code, { message, guard, httpStatus, suggestion }]) =>
        `| \`${code}\` | ${httpStatus} | ${guard} | ${sentence(message)} | ${sentence(suggestion)} |`,
    );
    const table = ["| Reason | Status | Guard | Message | Suggestion |", "| --- | --- | --- | --- | --- |", ...rows, ""].join("\n");
    expected = expected.replace(region("REASONS"), (_all, start: string, _old, end: string) => `${start}${table}${end}`);
    // `-u` takes new codes and causes over; what to do about them has to be written by hand.
    await expect(expected).toMatchFileSnapshot(`../../../${PATH}`);
  });

  it("says for every code what to do", async () => {
    for (const [name, codes] of await catalogues()) {
      const known = advice(name);
      expect(
        Object.keys(codes).filter((code) => (known.get(code) ?? "") === ""),
        name,
      ).toEqual([]);
    }
  });

  it("is what error codes in the sidecar's code are from", async () => {
    const all = new Set([...(await catalogues()).values()].flatMap((codes) => Object.keys(codes)));
    expect(all.size).toBeGreaterThan(100);
    const thrown = readdirSync("sidecar", { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .flatMap((path) =>
        [...readFileSync(join("sidecar", path), "utf8").matchAll(/new ChioError\(\s*"([a-z0-9_]+)"/g)].map(
          ([, code]) => `${path}: ${code}`,
        ),
      );
    expect(thrown.filter((entry) => !all.has(entry.split(": ")[1]!))).toEqual([]);
  });
});
