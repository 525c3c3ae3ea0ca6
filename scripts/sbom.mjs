// Writes an image's list of contents (SPDX 2.3 JSON): what is compiled into chio, the runtime under it, and the distribution's packages.
// Runs inside the image builds: node scripts/sbom.mjs --name NAME (--apk DB | --dpkg DIRECTORY) --outfile PATH
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runMain, SetupError } from "./lib/failure.mjs";
import { inRoot } from "./lib/paths.mjs";
import { apkPackages, bundledPackages, dpkgPackages, spdxDocument } from "./lib/sbom.mjs";

await runMain(async () => {
  const { values } = parseArgs({
    options: { name: { type: "string" }, apk: { type: "string" }, dpkg: { type: "string" }, outfile: { type: "string" } },
  });
  const { name, outfile, apk, dpkg } = values;
  if (name === undefined || outfile === undefined || (apk === undefined) === (dpkg === undefined)) {
    throw new SetupError("sbom.mjs lacks an argument", "node scripts/sbom.mjs --name NAME (--apk DB | --dpkg DIRECTORY) --outfile PATH");
  }
  const system = apk === undefined ? dpkgPackages(/** @type {string} */ (dpkg)) : apkPackages(readFileSync(apk, "utf8"));
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const document = spdxDocument({ name, version, packages: [...bundledPackages(), ...system] });
  writeFileSync(outfile, `${JSON.stringify(document, null, 1)}\n`);
});
