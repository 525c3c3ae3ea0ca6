import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "./apt.mjs";
import { docker, dockerOk, hasImage } from "./docker.mjs";
import { exec, execOk } from "./exec.mjs";
import { SetupError } from "./failure.mjs";
import { fetchPinned, pinned } from "./npm.mjs";
import { CACHE, inRoot } from "./paths.mjs";
import { hostTarget, mayInstall } from "./platform.mjs";
import { say, step } from "./progress.mjs";

/** Base images that a Dockerfile names, by build argument. @typedef {Record<string, string>} Bases */

const RELEASE = "bookworm";

/** `ARG NAME=image` lines before the first FROM. @param {string} dockerfile text @returns {Bases} */
export function namedBases(dockerfile) {
  const head = dockerfile.split(/^FROM /m)[0] ?? "";
  return Object.fromEntries([...head.matchAll(/^ARG (\w+_IMAGE)=(\S+)$/gm)].map(([, name, image]) => [name, image]));
}

/**
 * Makes every base image of a Dockerfile available. Returns them, and the build arguments to pass: none where the registry gave them all.
 * @param {string} file name of the Dockerfile
 * @returns {Promise<{ bases: Bases, buildArgs: Bases, standIns: string[] }>}
 */
export async function provideBases(file) {
  const wanted = namedBases(readFileSync(inRoot(file), "utf8"));
  /** @type {Bases} */
  const buildArgs = {};
  const standIns = [];
  for (const [name, image] of Object.entries(wanted)) {
    if (await obtainable(image)) continue;
    buildArgs[name] = await standInFor(image);
    standIns.push(`${image} → ${buildArgs[name]}`);
  }
  return { bases: { ...wanted, ...buildArgs }, buildArgs, standIns };
}

/** @type {Map<string, boolean>} */
const pulled = new Map();

/** @param {string} image */
async function obtainable(image) {
  const known = pulled.get(image);
  if (known !== undefined) return known;
  const there = (await hasImage(image)) || (await pull(image));
  pulled.set(image, there);
  return there;
}

/** @param {string} image */
async function pull(image) {
  let reason = "";
  const ok = await step(
    `pulling ${image}`,
    async (report) => {
      const result = await docker(["pull", image], { onLine: report, timeoutMs: 900_000 });
      reason = result.output.trim().split("\n").at(-1) ?? "";
      return result.code === 0;
    },
    (done) => (done ? "✓" : "–"),
  );
  if (!ok) say(`  no registry gave it: ${reason}`);
  if (!ok && !mayInstall()) {
    throw new SetupError(
      `base image ${image} cannot be pulled: ${reason}`,
      "check the connection to the registry, or pass your mirror's image as build argument",
    );
  }
  return ok;
}

/** @param {string} image */
async function standInFor(image) {
  const debian = await debianBase();
  if (image.startsWith("debian:12")) return debian;
  if (image.startsWith("node:")) return await nodeBase(debian);
  if (image.startsWith("alpine:")) return await alpineStandIn(debian);
  throw new SetupError(`nothing stands in for ${image}`, "make it available in a registry this machine reaches");
}

/** A short digest of everything an image is made of, as its tag: made again when, and only when, that changes. @param {...string} parts */
const tagOf = (...parts) => createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);

/** @param {string} directory */
const contentsOf = (directory) =>
  readdirSync(directory)
    .sort()
    .map((name) => readFileSync(join(directory, name), "utf8"))
    .join("\0");

async function debianBase() {
  const excludes = ["/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*"].map((path) => `--dpkgopt=path-exclude=${path}`);
  const options = [
    "--variant=minbase",
    ...excludes,
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    '--aptopt=Acquire::Languages "none"',
  ];
  const image = `chio-kit-base/debian:${tagOf(RELEASE, ...options)}`;
  if (await hasImage(image)) return image;
  if ((await exec("mmdebstrap", ["--version"])).code !== 0) await aptInstall("mmdebstrap", ["mmdebstrap"]);
  mkdirSync(CACHE, { recursive: true });
  const tar = join(CACHE, "debian.tar");
  await step(`making ${image} from Debian's packages`, async (report) => {
    await execOk("mmdebstrap", [...options, RELEASE, tar], { onLine: report });
    await dockerOk(["import", "--change", `LABEL dev.chio-kit.stand-in=debian:12-slim`, "--change", 'CMD ["/bin/bash"]', tar, image]);
    rmSync(tar);
  });
  return image;
}

/** @param {string} debian */
async function nodeBase(debian) {
  const nodePackage = `node-linux-${hostTarget().arch}`;
  const recipe = inRoot("images", "node-base");
  const npmPin = JSON.parse(readFileSync(join(recipe, "npm.json"), "utf8"));
  const image = `chio-kit-base/node:${tagOf(debian, pinned(nodePackage).version, contentsOf(recipe), readFileSync(authoritiesFile(), "utf8"))}`;
  if (await hasImage(image)) return image;
  await step(`making ${image}`, async (report) => {
    const context = join(CACHE, "node-base");
    rmSync(context, { recursive: true, force: true });
    mkdirSync(join(context, "node", "bin"), { recursive: true });
    copyFileSync(join(await fetchPinned(nodePackage), "bin", "node"), join(context, "node", "bin", "node"));
    cpSync(await fetchPinned("npm", npmPin), join(context, "npm"), { recursive: true });
    copyFileSync(authoritiesFile(), join(context, "ca.crt"));
    copyFileSync(join(recipe, "Dockerfile"), join(context, "Dockerfile"));
    await buildFrom(debian, image, context, report);
    rmSync(context, { recursive: true });
  });
  return image;
}

/** @param {string} debian */
async function alpineStandIn(debian) {
  const recipe = inRoot("images", "alpine-stand-in");
  const image = `chio-kit-base/alpine-stand-in:${tagOf(debian, contentsOf(recipe))}`;
  if (await hasImage(image)) return image;
  await step(`making ${image}`, (report) => buildFrom(debian, image, recipe, report));
  return image;
}

/** @param {string} debian @param {string} image @param {string} context @param {(line: string) => void} report */
async function buildFrom(debian, image, context, report) {
  const env = { ...process.env, DOCKER_BUILDKIT: "0" };
  await dockerOk(["build", ...proxyArgs(), "--build-arg", `DEBIAN_IMAGE=${debian}`, "-t", image, context], { env, onLine: report });
}

/** The machine's proxy settings, for the builds' own network use; Docker keeps these arguments out of the image. */
export function proxyArgs() {
  return ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
    .filter((name) => process.env[name])
    .flatMap((name) => ["--build-arg", name]);
}

/** The certificate authorities that this machine trusts, a TLS proxy's among them. */
function authoritiesFile() {
  const candidates = [process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE, "/etc/ssl/certs/ca-certificates.crt"];
  const found = candidates.find((path) => path !== undefined && existsSync(path));
  if (found === undefined)
    throw new SetupError("this machine has no list of certificate authorities", "apt-get install -y ca-certificates");
  return found;
}
