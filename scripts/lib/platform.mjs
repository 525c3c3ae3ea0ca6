import { existsSync } from "node:fs";
import { SetupError, UsageError } from "./failure.mjs";

/** @typedef {"linux" | "darwin"} Os */
/** @typedef {"x64" | "arm64"} Arch */
/** What a program is compiled for. @typedef {{ os: Os, arch: Arch, musl: boolean }} Target */

const ARCHES = new Map(
  /** @type {[string, Arch][]} */ ([
    ["x64", "x64"],
    ["amd64", "x64"],
    ["x86_64", "x64"],
    ["arm64", "arm64"],
    ["aarch64", "arm64"],
  ]),
);

/** Every dialect of "x64" and "arm64": Node's, Docker's, `uname -m`'s. @param {string} name @returns {Arch} */
export function parseArch(name) {
  const arch = ARCHES.get(name);
  if (arch === undefined) throw new SetupError(`no build of chio for processor "${name}"`, "use x64 (amd64, x86_64) or arm64 (aarch64)");
  return arch;
}

/**
 * `linux-x64`, `linux-aarch64-musl`, `darwin-arm64`.
 * @param {string} text
 * @returns {Target}
 */
export function parseTarget(text) {
  const [os, arch, libc, ...rest] = text.split("-");
  const known = (os === "linux" || os === "darwin") && rest.length === 0 && (libc === undefined || (libc === "musl" && os === "linux"));
  if (!known) throw new UsageError(`"${text}" is not a build target`, "use linux-<arch>, linux-<arch>-musl or darwin-<arch>");
  return { os, arch: parseArch(arch ?? ""), musl: libc === "musl" };
}

/** @param {Target} target */
export const targetName = ({ os, arch, musl }) => `${os}-${arch}${musl ? "-musl" : ""}`;

/** @returns {Target} */
export function hostTarget() {
  if (process.platform !== "linux" && process.platform !== "darwin") {
    throw new SetupError(`no build of chio for ${process.platform}`, "use Linux or macOS, or a Linux container");
  }
  return { os: process.platform, arch: parseArch(process.arch), musl: process.platform === "linux" && isMusl() };
}

function isMusl() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (/** @type {unknown} */ (process.report.getReport()));
  return report.header.glibcVersionRuntime === undefined;
}

/** Root, and Debian's package manager at hand: allowed to install what is missing. */
export function mayInstall() {
  return process.platform === "linux" && process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
}
