import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ChioError, WIRE_ERRORS, WireError } from "../../../sidecar/wire/errors.ts";

const directory = new URL("../../../sidecar/wire/", import.meta.url);
const sources = readdirSync(directory).map((name) => ({ name, text: readFileSync(new URL(name, directory), "utf8") }));

test("every code in the table is used, and every WireError has its name and code", () => {
  const used = sources
    .filter(({ name }) => name !== "errors.ts")
    .map(({ text }) => text)
    .join("\n");
  for (const code of Object.keys(WIRE_ERRORS)) expect(used, code).toContain(`"${code}"`);
  const error = new WireError("invalid_json", "x", { fix: "y" });
  expect(error).toBeInstanceOf(ChioError);
  expect([error.name, error.code, error.message, error.fix]).toEqual(["WireError", "invalid_json", "x", "y"]);
});

test("this layer imports nothing of the sidecar, and of the runtime only crypto", () => {
  for (const { name, text } of sources) {
    for (const [, from] of text.matchAll(/from "([^"]+)"/g)) expect(`${name}: ${from}`).toMatch(/: (\.\/[a-z0-9-]+\.ts|node:crypto)$/);
  }
});
