import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errorName, HTTP_ERRORS } from "../../../sidecar/http/errors.ts";
import { sidecarRoutes } from "../../../sidecar/http/routes/index.ts";
import { PROTECT_ERRORS } from "../../../sidecar/protect/errors.ts";
import { DEFAULT_LIMITS } from "../../../sidecar/service/limit-settings.ts";

const text = readFileSync(new URL("../../../docs/http-api.md", import.meta.url), "utf8");
const rows = (heading: string): string[][] => {
  const section = text
    .slice(text.indexOf(`\n## ${heading}\n`))
    .split("\n## ", 2)
    .join("");
  const end = text.indexOf("\n## ", text.indexOf(`\n## ${heading}\n`) + 4);
  const body = end < 0 ? section : text.slice(text.indexOf(`\n## ${heading}\n`), end);
  return [...body.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row!.split(" | "));
};
const codes = (cell: string) => [...cell.matchAll(/`([a-z0-9_]+)`/g)].map(([, code]) => code!);

describe("docs/http-api.md", () => {
  test("has every route of the sidecar, with its access and its limit, and no other", () => {
    const access = { probe: "anybody", open: "local", control: "control" };
    const size = (bytes: number) => (bytes === 0 ? "–" : `${bytes / 1024 ** 2} MiB`);
    const expected = sidecarRoutes("$CHIO_HEALTH_PATH").map((route) => [
      `\`${route.method} ${route.path}\``,
      access[route.access],
      size(route.maxBodyBytes),
    ]);
    const documented = rows("Routes of the sidecar")
      .filter(([route]) => route!.startsWith("`"))
      .map(([route, who, body]) => [route!.replace(" (`/chio/health`)", ""), who, body]);
    expect(documented.sort()).toEqual(expected.sort());
  });

  test("has every reason of a refusal under a status of its error name", () => {
    const table = rows("Denials and errors").filter(([status]) => /^\d{3}$/.test(status!));
    for (const [status, name, reasons] of table)
      for (const code of codes(reasons!)) expect(name, code).toBe(`\`${errorName(Number(status), code)}\``);
    const documented = new Set(table.flatMap(([, , reasons]) => codes(reasons!)));
    // Refused before anything is served, so never an answer.
    const { upstream_unsupported: _atStart, ...answered } = PROTECT_ERRORS;
    expect([...documented].sort()).toEqual([...Object.keys(HTTP_ERRORS), ...Object.keys(answered)].sort());
  });

  test("has every limit", () => {
    const documented = rows("Limits").flatMap(([name]) => [...name!.matchAll(/`limits\.([a-z_]+)`/g)].map(([, key]) => key!));
    const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expect(documented.sort()).toEqual(Object.keys(DEFAULT_LIMITS).map(snake).sort());
  });
});
