import { describe, expect, it } from "vitest";
import { call } from "../../scripts/lib/demo/calls.mjs";
import { containerLog } from "./support/container-log.ts";
import { cleanUpAfterEach, createVolume, engine } from "./support/engine.ts";
import { IMAGES } from "./support/images.ts";
import { everyRoute, newSeed, startApp, startSidecar } from "./support/sidecar.ts";

cleanUpAfterEach();

/** Every way that a seed is written down: hex in either case, base64 with and without padding. */
function spellings(seed: string): string[] {
  const bytes = Buffer.from(seed, "hex");
  return [seed, seed.toUpperCase(), bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url")];
}

/** What a process in the app's container can get at: environments, command lines and mounts of all processes it sees, and all files. */
const SEARCH = String.raw`
  const fs = require("node:fs");
  const wanted = process.argv.slice(1).map((text) => Buffer.from(text));
  const found = [];
  let files = 0;
  const look = (path) => {
    try { const data = fs.readFileSync(path); files++; for (const text of wanted) if (data.includes(text)) found.push(path); } catch {}
  };
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
    for (const file of ["environ", "cmdline", "mountinfo", "maps"]) look("/proc/" + pid + "/" + file);
  look("/proc/self/mountinfo");
  const walk = (directory) => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      const path = (directory === "/" ? "" : directory) + "/" + entry.name;
      if (/^\/(proc|sys|dev)$/.test(path)) continue;
      try { if (entry.isDirectory()) walk(path); else if (entry.isFile() && fs.statSync(path).size < 1e6) look(path); } catch {}
    }
  };
  walk("/");
  console.log(JSON.stringify({ found, files, processes: fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length }));
`;

describe.each(IMAGES)("image $name: the signing key stays with the sidecar", (image) => {
  it("is not to be found from the app's container, in what the engine says about it, or in any log", async () => {
    const { seed, keypair } = newSeed();
    const sidecar = await startSidecar(image, { volume: await createVolume(), seed, env: { CHIO_LOG_LEVEL: "trace" } });
    const app = await startApp(sidecar);
    const token = everyRoute(keypair);
    expect((await call(sidecar.url, "POST", "/notes", { token, json: { text: "a note" } })).status).toBe(201);
    expect((await call(sidecar.url, "POST", "/files/read", { token, json: { path: "/etc/shadow" } })).status).toBe(403);

    const seen = await app.exec(["node", "-e", SEARCH, ...spellings(seed)]);
    const report = JSON.parse(seen.output) as { found: string[]; files: number; processes: number };
    expect(report.files).toBeGreaterThan(100);
    expect(report.found).toEqual([]);

    const inspected = JSON.stringify(await (await engine()).getContainer(app.getId()).inspect());
    const logs = [await containerLog(app.getId()), await sidecar.log()];
    await sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
    for (const text of [inspected, ...logs, await sidecar.log()]) {
      for (const spelling of spellings(seed)) expect(text).not.toContain(spelling);
    }
    expect(logs[1]).not.toContain(token);
  });

  it("cannot be read by the app through the shared network namespace, nor can the sidecar's processes be seen", async () => {
    const { seed } = newSeed();
    const sidecar = await startSidecar(image, { volume: await createVolume(), seed });
    const app = await startApp(sidecar);
    const script =
      'console.log(require("node:fs").readdirSync("/proc").filter((n) => /^\\d+$/.test(n)).map((n) => { try { return require("node:fs").readFileSync("/proc/" + n + "/cmdline", "utf8") } catch { return "" } }).join("|"))';
    const { output } = await app.exec(["node", "-e", script]);
    expect(output).toContain("server.mjs");
    expect(output).not.toContain("chio");
    const state = await app.exec(["node", "-e", 'require("node:fs").readdirSync("/var/lib/chio")']);
    expect(state.exitCode).not.toBe(0);
  });

  it("is looked for in the right places: the search finds what is there, and the engine shows the key for the sidecar", async () => {
    const { seed } = newSeed();
    const sidecar = await startSidecar(image, { volume: await createVolume(), seed });
    const app = await startApp(sidecar);
    const { output } = await app.exec(["node", "-e", SEARCH, "/app/server.mjs", "water the plants"]);
    expect((JSON.parse(output) as { found: string[] }).found).toEqual(expect.arrayContaining(["/proc/1/cmdline", "/app/server.mjs"]));
    const inspected = JSON.stringify(await (await engine()).getContainer(sidecar.id).inspect());
    expect(spellings(seed).filter((spelling) => inspected.includes(spelling))).toEqual([seed]);
  });
});
