import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { compressedSize, inspectImage } from "../../scripts/lib/images.mjs";
import { elfNeeds } from "./support/elf.ts";
import { cleanUpAfterEach, createVolume, engine, labels, runToEnd } from "./support/engine.ts";
import { IMAGES } from "./support/images.ts";
import { type Entry, readTar } from "./support/tar.ts";

const VERSION = (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version;
const SHELLS = /^(ba|da|a|z|c|k)?sh$|^(busybox|toybox|python3?|perl|apt|apt-get|dpkg|apk)$/;
const PROGRAMS = ["/usr/local/bin/chio", "/usr/bin/curl", "/sbin/tini", "/usr/sbin/tini"];
/** Laid over the image by the engine; not part of it. */
const RUNTIME_ONLY = /^\/(dev|proc|sys)(\/|$)|^\/\.dockerenv$/;

interface ImageConfig {
  User: string;
  Volumes: Record<string, object>;
  Entrypoint: string[];
  Cmd: string[];
  Env: string[];
  ExposedPorts: Record<string, object>;
  Healthcheck?: object;
  Labels: Record<string, string>;
}

cleanUpAfterEach();

describe.each(IMAGES)("image $name: what is in it", (image) => {
  let entries: Entry[];
  let config: ImageConfig;

  beforeAll(async () => {
    config = (await inspectImage(image.tag)).Config;
    const docker = await engine();
    const container = await docker.createContainer({ Image: image.tag, Labels: labels() });
    const keep = (path: string) =>
      PROGRAMS.includes(path) || path === "/usr/share/sbom/chio.spdx.json" || path.endsWith("/apk/db/installed");
    entries = await readTar((await container.export()) as unknown as AsyncIterable<Buffer>, keep);
    await container.remove({ v: true });
  });

  const files = () => entries.filter(({ path }) => !RUNTIME_ONLY.test(path));
  const content = (...paths: string[]) => {
    const found = entries.find(({ path, content }) => paths.includes(path) && content !== undefined && content.length > 0);
    if (found?.content === undefined) throw new Error(`none of ${paths.join(", ")} is in the image`);
    return found.content;
  };

  it(`runs as uid and gid ${image.uid}, with nothing that raises a program's rights`, () => {
    expect(config.User).toBe(`${image.uid}:${image.uid}`);
    expect(files().filter(({ type, mode }) => type === "file" && (mode & 0o6000) !== 0)).toEqual([]);
  });

  it("leaves its uid one writable path, /var/lib/chio, which is a volume", () => {
    const writable = files().filter(
      ({ type, mode, uid, gid }) =>
        type !== "link" &&
        ((mode & 0o002) !== 0 || ((mode & 0o200) !== 0 && uid === image.uid) || ((mode & 0o020) !== 0 && gid === image.uid)),
    );
    expect(writable.map(({ path, mode }) => `${path} ${(mode & 0o7777).toString(8)}`)).toEqual(["/var/lib/chio 700"]);
    expect(files().filter(({ path, uid }) => uid !== 0 && path !== "/var/lib/chio")).toEqual([]);
    expect(config.Volumes).toEqual({ "/var/lib/chio": {} });
  });

  it("finds a new volume at /var/lib/chio its own, and nothing else writable, on a root that is not read-only", async () => {
    const volume = await createVolume();
    const outcome = await runToEnd(image.tag, { command: ["keygen", "--out", "/var/lib/chio/seed"], binds: [`${volume}:/var/lib/chio`] });
    expect(outcome.code, outcome.output).toBe(0);
    const elsewhere = await runToEnd(image.tag, { command: ["keygen", "--out", "/tmp/seed"], writableRoot: true });
    expect(elsewhere.code).not.toBe(0);
    expect(elsewhere.output).toMatch(/EACCES/);
  });

  if (!image.hasShell)
    it("has no shell, no interpreter and no package manager", () => {
      const programs = files().filter(({ type, mode }) => type !== "directory" && (mode & 0o111) !== 0);
      expect(programs.filter(({ path }) => SHELLS.test(path.split("/").at(-1) ?? "")).map(({ path }) => path)).toEqual([]);
      expect(
        files()
          .filter(({ path }) => /^\/usr\/s?bin\/./.test(path))
          .map(({ path }) => path)
          .sort(),
      ).toEqual(["/usr/bin/curl", "/usr/sbin/tini"]);
    });

  it("starts chio under tini, prints help by default, and exposes 9090", () => {
    expect(config.Entrypoint).toEqual(["/sbin/tini", "--", "/usr/local/bin/chio"]);
    expect(config.Cmd).toEqual(["--help"]);
    expect(config.ExposedPorts).toEqual({ "9090/tcp": {} });
    const env = Object.fromEntries(config.Env.map((line) => line.split(/=(.*)/s)));
    expect(env).toMatchObject({
      CHIO_HOME: "/var/lib/chio",
      CHIO_LISTEN_ADDR: "0.0.0.0:9090",
      CHIO_HEALTH_PATH: "/chio/health",
      CHIO_LOG_LEVEL: "info",
      CHIO_KERNEL_CONFIG_PATH: "/etc/chio/kernel.yaml",
    });
  });

  if (image.name === "distroless")
    it("has the health check of its specification", () => {
      expect(config.Healthcheck).toEqual({
        Test: ["CMD", "/usr/bin/curl", "-fsS", "http://localhost:9090/chio/health"],
        Interval: 10e9,
        Timeout: 5e9,
        StartPeriod: 15e9,
        Retries: 3,
      });
    });

  it("says what it is: OCI labels and a licence", () => {
    expect(config.Labels).toMatchObject({
      "org.opencontainers.image.title": image.name === "sidecar" ? "chio-sidecar" : "chio-sidecar-distroless",
      "org.opencontainers.image.version": VERSION,
      "org.opencontainers.image.licenses": "Apache-2.0",
      "org.opencontainers.image.description": expect.stringContaining("receipt"),
      "org.opencontainers.image.revision": expect.stringMatching(/^([0-9a-f]{40}|unknown)$/),
    });
    expect(files().some(({ path }) => path === "/usr/share/licenses/chio/LICENSE")).toBe(true);
  });

  it("lists its contents (SPDX): bundled packages, the runtime, every package of the distribution", () => {
    const sbom = JSON.parse(content("/usr/share/sbom/chio.spdx.json").toString("utf8"));
    expect(sbom).toMatchObject({ spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0" });
    const names = (sbom.packages as { name: string; versionInfo: string }[]).map(({ name }) => name);
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
    const system =
      image.name === "distroless" ? statusFiles(files()) : apkNames(content("/lib/apk/db/installed", "/usr/lib/apk/db/installed"));
    expect(system).toContain("tini");
    expect(names).toEqual(expect.arrayContaining([...Object.keys(dependencies), "bun", ...system]));
    expect(new Set((sbom.packages as { SPDXID: string }[]).map(({ SPDXID }) => SPDXID)).size).toBe(names.length);
    expect(sbom.relationships).toHaveLength(names.length);
  });

  it("holds every library that its programs need, and their loader", () => {
    const present = new Set(files().map(({ path }) => path.split("/").at(-1)));
    const chio = elfNeeds(content("/usr/local/bin/chio"));
    const programs = [
      chio,
      ...(image.hasShell ? [] : [elfNeeds(content("/usr/bin/curl")), elfNeeds(content("/sbin/tini", "/usr/sbin/tini"))]),
    ];
    const needed = new Set(programs.flatMap(({ libraries, interpreter }) => [...libraries, interpreter?.split("/").at(-1) ?? ""]));
    expect([...needed].filter((name) => name !== "" && !present.has(name))).toEqual([]);
    if (image.name === "sidecar") {
      const machine = chio.machine === "x64" ? "x86_64" : "aarch64";
      expect(chio).toMatchObject({
        interpreter: `/lib/ld-musl-${machine}.so.1`,
        libraries: ["libstdc++.so.6", `libc.musl-${machine}.so.1`],
      });
      expect(readFileSync(image.dockerfile, "utf8")).toMatch(/apk add [^\n]*libstdc\+\+/);
    }
  });

  it(`is at most ${image.maxBytes / 1e6} MB compressed`, async () => {
    const bytes = await compressedSize(image.tag);
    console.log(`${image.tag}: ${(bytes / 1e6).toFixed(1)} MB compressed`);
    expect(bytes).toBeLessThanOrEqual(image.maxBytes);
  });
});

const statusFiles = (entries: Entry[]) =>
  entries
    .filter(({ path, type }) => type === "file" && path.startsWith("/var/lib/dpkg/status.d/"))
    .map(({ path }) => path.split("/").at(-1) as string);

const apkNames = (database: Buffer) => [...database.toString("utf8").matchAll(/^P:(.+)$/gm)].map((match) => match[1] as string);
