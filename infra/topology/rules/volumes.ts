import { LIMITS } from "../limits.ts";
import { ALL, at, type Breach, type Rule } from "./rule.ts";

export const volumes: Rule = {
  code: "CHIO-VOLUMES",
  title: "Volumes and mounts do not fit together",
  severity: "error",
  why: "The platform refuses the deployment, or one mount hides another.",
  fix: "give each volume one name, mount it by that name, and each mount its own path",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const breaches: Breach[] = [];
    const names = new Set<string>();
    const kinds = LIMITS[topology.platform].volumes;
    for (const [index, volume] of topology.volumes.entries()) {
      const path = `volumes[${index}]`;
      if (names.has(volume.name)) breaches.push({ path: `${path}.name`, message: `two volumes are called ${volume.name}` });
      names.add(volume.name);
      if (!kinds.includes(volume.kind))
        breaches.push({ path: `${path}.kind`, message: `${topology.platform} has no ${volume.kind} volumes; it has ${kinds.join(", ")}` });
      if (volume.kind === "secret" && topology.platform === "cloud-run" && (volume.files?.length ?? 0) > 1) {
        breaches.push({
          path: `${path}.files`,
          message: `${volume.name} holds ${volume.files?.length} secrets; on Cloud Run a volume holds one`,
          fix: "give each file its own directory",
        });
      }
    }
    for (const container of topology.containers) {
      const paths = new Set(container.tmpfs.map((one) => one.path));
      for (const [index, mount] of container.mounts.entries()) {
        if (!names.has(mount.volume))
          breaches.push({ path: at(container, `mounts[${index}].volume`), message: `there is no volume ${mount.volume}` });
        if (paths.has(mount.path))
          breaches.push({ path: at(container, `mounts[${index}].path`), message: `${container.name} has two mounts at ${mount.path}` });
        paths.add(mount.path);
      }
    }
    return breaches;
  },
};
