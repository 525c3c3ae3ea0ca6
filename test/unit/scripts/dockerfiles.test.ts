import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { namedBases } from "../../../scripts/lib/bases.mjs";
import { IMAGES } from "../../../scripts/lib/images.mjs";
import { inRoot } from "../../../scripts/lib/paths.mjs";

const read = (path: string) => readFileSync(inRoot(path), "utf8");
const packageJson = JSON.parse(read("package.json")) as { version: string; files: string[] };
const FILES = Object.values(IMAGES).map(({ dockerfile }) => dockerfile);

describe.each(FILES)("%s", (file) => {
  const text = read(file);

  it("pins every base image, as a build argument", () => {
    const bases = namedBases(text);
    expect(Object.keys(bases).length).toBeGreaterThan(1);
    for (const image of Object.values(bases)) expect(image).toMatch(/^[a-z]+:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)*$/);
    const froms = [...text.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
    const stages = [...text.matchAll(/^FROM \S+ AS (\S+)/gm)].map((match) => match[1]);
    for (const from of froms) expect(from === "scratch" || stages.includes(from) || /^\$\{\w+_IMAGE\}$/.test(from ?? "")).toBe(true);
  });

  it("takes nothing that only BuildKit understands, so that every builder builds it", () => {
    expect(text).not.toMatch(/^# *syntax=|--mount=|--chmod=|--link|<<EOF|\$\{?BUILDPLATFORM/m);
  });

  it("names the version of package.json", () => {
    expect(/^ARG VERSION=(.+)$/m.exec(text)?.[1]).toBe(packageJson.version);
  });

  it("copies from the clone only what .dockerignore lets in", () => {
    const allowed = read(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => (match[1] ?? "").split(" "));
    for (const path of copied) {
      expect(existsSync(inRoot(path)), path).toBe(true);
      const plain = path.replace(/\/$/, "");
      expect(
        allowed.some((entry) => plain === entry || plain.startsWith(`${entry}/`) || entry.startsWith(`${plain}/`)),
        path,
      ).toBe(true);
    }
  });

  it("gives no secret a place in the image", () => {
    expect(text).not.toMatch(/SIGNING_KEY|CONTROL_TOKEN|_proxy/i);
  });
});

describe("namedBases", () => {
  it("reads the arguments before the first FROM, and no others", () => {
    expect(namedBases("ARG A_IMAGE=x:1\nARG VERSION=2\nFROM $A_IMAGE\nARG B_IMAGE=y:1\n")).toEqual({ A_IMAGE: "x:1" });
  });
});
