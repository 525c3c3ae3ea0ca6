import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pinned } from "./npm.mjs";
import { inRoot } from "./paths.mjs";

/** @typedef {{ name: string, version: string, license: string, purl: string, checksum?: { algorithm: string, checksumValue: string } }} Contained */

/** Packages compiled into chio, with the lock file's checksums, and Bun, which runs them. @returns {Contained[]} */
export function bundledPackages() {
  /** @type {import("./npm.mjs").Lock} */
  const lock = JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8"));
  const npm = Object.entries(lock.packages)
    .filter(([path, entry]) => path !== "" && !entry.dev && !entry.optional && !entry.devOptional && !entry.peer)
    .map(([path, entry]) => npmPackage(path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), entry));
  return [...npm, npmPackage("bun", { version: pinned("@oven/bun-linux-x64").version, license: "MIT" })];
}

/** @param {string} name @param {import("./npm.mjs").LockedPackage} entry @returns {Contained} */
function npmPackage(name, { version = "", license = "NOASSERTION", integrity }) {
  const [algorithm = "", base64 = ""] = (integrity ?? "").split(/-(.*)/s);
  return {
    name,
    version,
    license,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    ...(base64 === ""
      ? {}
      : { checksum: { algorithm: algorithm.toUpperCase(), checksumValue: Buffer.from(base64, "base64").toString("hex") } }),
  };
}

/** Alpine's database of installed packages. @param {string} database @returns {Contained[]} */
export function apkPackages(database) {
  return database
    .split(/\n{2,}/)
    .map((block) => fields(block, /^([A-Z]):(.*)$/))
    .filter((field) => field.has("P"))
    .map((field) => systemPackage("apk/alpine", field.get("P"), field.get("V"), field.get("L")));
}

/** One file a package, as distroless images keep them. @param {string} directory @returns {Contained[]} */
export function dpkgPackages(directory) {
  return readdirSync(directory)
    .sort()
    .map((file) => fields(readFileSync(join(directory, file), "utf8"), /^([A-Za-z-]+): (.*)$/))
    .map((field) => systemPackage("deb/debian", field.get("Package"), field.get("Version"), undefined));
}

/** @param {string} block @param {RegExp} line */
function fields(block, line) {
  const found = new Map();
  for (const text of block.split("\n")) {
    const match = line.exec(text);
    if (match) found.set(match[1], match[2]);
  }
  return /** @type {Map<string, string>} */ (found);
}

/**
 * @param {string} type
 * @param {string | undefined} name
 * @param {string | undefined} version
 * @param {string | undefined} license an SPDX expression; Debian's packages state theirs in /usr/share/doc only
 * @returns {Contained}
 */
function systemPackage(type, name, version, license) {
  if (name === undefined || version === undefined) throw new Error("a package of the distribution has no name or no version");
  return {
    name,
    version,
    license: license ?? "NOASSERTION",
    purl: `pkg:${type}/${encodeURIComponent(name)}@${encodeURIComponent(version)}`,
  };
}

/**
 * The same contents at the same SOURCE_DATE_EPOCH give the same document, byte for byte.
 * @param {{ name: string, version: string, packages: Contained[] }} image
 */
export function spdxDocument({ name, version, packages }) {
  const root = "SPDXRef-Image";
  const contents = packages.map((entry) => ({
    SPDXID: `SPDXRef-${createHash("sha256").update(entry.purl).digest("hex").slice(0, 16)}`,
    name: entry.name,
    versionInfo: entry.version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: spdxExpression(entry.license),
    copyrightText: "NOASSERTION",
    ...(entry.checksum ? { checksums: [entry.checksum] } : {}),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: entry.purl }],
  }));
  const digest = createHash("sha256").update(JSON.stringify(contents)).digest("hex");
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `${name}-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/${name}-${version}-${digest.slice(0, 32)}`,
    creationInfo: { created: createdAt(), creators: ["Tool: chio-kit-sbom"] },
    packages: [
      {
        SPDXID: root,
        name,
        versionInfo: version,
        downloadLocation: "NOASSERTION",
        filesAnalyzed: false,
        licenseConcluded: "Apache-2.0",
        licenseDeclared: "Apache-2.0",
        copyrightText: "NOASSERTION",
        primaryPackagePurpose: "CONTAINER",
      },
      ...contents,
    ],
    relationships: [
      { spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: root },
      ...contents.map(({ SPDXID }) => ({ spdxElementId: root, relationshipType: "CONTAINS", relatedSpdxElement: SPDXID })),
    ],
  };
}

/** SOURCE_DATE_EPOCH when the build sets it. */
function createdAt() {
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000);
  return `${new Date(epoch * 1000).toISOString().slice(0, 19)}Z`;
}

/** Alpine lists licences with spaces where SPDX wants an operator. @param {string} text */
function spdxExpression(text) {
  if (/^\(?[A-Za-z0-9.+-]+( (AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*\)?$/.test(text)) return text;
  return /^[A-Za-z0-9.+ -]+$/.test(text) ? text.trim().split(/\s+/).join(" AND ") : "NOASSERTION";
}
