import type { Breach, Rule } from "./rule.ts";

export const efs: Rule = {
  code: "CHIO-EFS",
  title: "An EFS volume without transit encryption or IAM",
  severity: "error",
  why: "Policy and spec cross the network in the clear, and any host that reaches the mount target can change them. IAM and access points need transit encryption in any case.",
  fix: "set transitEncryption and iam to true; with an access point leave rootDirectory out",
  platforms: ["ecs"],
  invariants: [],
  traps: [18],
  check(topology) {
    return topology.volumes.flatMap((volume): Breach[] => {
      if (volume.kind !== "efs") return [];
      const path = `volumes.${volume.name}`;
      const breaches: Breach[] = [];
      if (!volume.transitEncryption)
        breaches.push({ path: `${path}.transitEncryption`, message: `${volume.name} is mounted without transit encryption` });
      if (!volume.iam) breaches.push({ path: `${path}.iam`, message: `${volume.name} is mounted without IAM authorization` });
      if (volume.accessPointId !== null && volume.rootDirectory !== null && volume.rootDirectory !== "/") {
        breaches.push({
          path: `${path}.rootDirectory`,
          message: `${volume.name} names a root directory beside its access point, which has its own`,
        });
      }
      return breaches;
    });
  },
};
