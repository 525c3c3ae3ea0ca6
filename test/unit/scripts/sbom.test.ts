import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { apkPackages, bundledPackages, dpkgPackages, spdxDocument } from "../../../scripts/lib/sbom.mjs";

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

describe("list of an image's contents", () => {
  it("has what is compiled in, with the lock file's checksums, and no development package", () => {
    const packages = bundledPackages();
    const names = packages.map(({ name }) => name);
    const { dependencies } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as { dependencies: Record<string, string> };
    expect(Object.keys(dependencies).length).toBeGreaterThan(0);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(dependencies), "bun"]));
    expect(names).not.toEqual(expect.arrayContaining(["vitest"]));
    expect(names).not.toEqual(expect.arrayContaining(["typescript"]));
    for (const { name, checksum } of packages.filter((one) => one.name !== "bun")) {
      expect(checksum, name).toMatchObject({ algorithm: "SHA512", checksumValue: expect.stringMatching(/^[0-9a-f]{128}$/) });
    }
  });

  it("reads Alpine's database", () => {
    const database =
      "C:Q1\nP:musl\nV:1.2.5-r10\nL:MIT\nF:lib\nR:ld.so\n\nP:libstdc++\nV:14.2.0-r6\nL:GPL-2.0-or-later LGPL-2.1-or-later\n\n";
    expect(apkPackages(database)).toEqual([
      { name: "musl", version: "1.2.5-r10", license: "MIT", purl: "pkg:apk/alpine/musl@1.2.5-r10" },
      {
        name: "libstdc++",
        version: "14.2.0-r6",
        license: "GPL-2.0-or-later LGPL-2.1-or-later",
        purl: "pkg:apk/alpine/libstdc%2B%2B@14.2.0-r6",
      },
    ]);
  });

  it("reads Debian's status files", () => {
    const directory = mkdtempSync(join(tmpdir(), "chio-sbom-"));
    made.push(directory);
    writeFileSync(
      join(directory, "zlib1g"),
      "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.2.13.dfsg-1\nDescription: compression\n and more\n",
    );
    expect(dpkgPackages(directory)).toEqual([
      { name: "zlib1g", version: "1:1.2.13.dfsg-1", license: "NOASSERTION", purl: "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1" },
    ]);
    writeFileSync(join(directory, "broken"), "Package: broken\n");
    expect(() => dpkgPackages(directory)).toThrow("no version");
  });

  it("is an SPDX document in which everything is contained in the image once", () => {
    const packages = apkPackages("P:a\nV:1\nL:MIT BSD-2-Clause\n\nP:b\nV:2\nL:custom license!\n");
    const document = spdxDocument({ name: "image", version: "0.1.0", packages });
    expect(document.packages.map(({ name, licenseDeclared }) => [name, licenseDeclared])).toEqual([
      ["image", "Apache-2.0"],
      ["a", "MIT AND BSD-2-Clause"],
      ["b", "NOASSERTION"],
    ]);
    const ids = document.packages.map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    expect(document.relationships.map(({ relatedSpdxElement }) => relatedSpdxElement)).toEqual(ids);
    expect(document.creationInfo.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});
