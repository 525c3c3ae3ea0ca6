import type { Rule } from "./rule.ts";

export const secretVolume: Rule = {
  code: "CHIO-SECRET-VOLUME",
  title: "A secret volume without a list of its secrets",
  severity: "error",
  why: "Azure mounts every secret of the app into such a volume, the signing key among them.",
  fix: "list each secret with its file name",
  platforms: ["aca", "cloud-run"],
  invariants: [],
  traps: [17],
  check(topology) {
    return topology.volumes
      .filter((volume) => volume.kind === "secret" && (volume.files === null || volume.files.length === 0))
      .map((volume) => ({ path: `volumes.${volume.name}.files`, message: `${volume.name} names no secrets, and so mounts all of them` }));
  },
};
