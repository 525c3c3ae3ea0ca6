import type { ConfigKind, Container, Platform, PlatformTopology } from "../types.ts";
import { ALL, flagValue, type Rule, theSidecar } from "./rule.ts";

const DELIVERIES: { readonly [P in Platform]: readonly ConfigKind[] } = {
  ecs: ["image", "efs", "fetched"],
  "cloud-run": ["image", "secret-files", "gcs", "fetched"],
  aca: ["image", "secret-files", "azure-file", "fetched"],
  local: ["image", "host", "secret-files", "fetched"],
};

export const configDelivery: Rule = {
  code: "CHIO-CONFIG-DELIVERY",
  title: "A file that the sidecar needs does not reach it",
  severity: "error",
  why: "The sidecar fails closed at start: it exits when its spec, its policy or its kernel.yaml is not there.",
  fix: "say in config how the files come into the sidecar, and name paths that it covers",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    const takes = DELIVERIES[topology.platform];
    if (!takes.includes(topology.config.kind)) {
      return [
        {
          path: "config.kind",
          message: `${topology.platform} has no ${topology.config.kind} delivery; it has ${takes.join(", ")}`,
          fix: "choose one of these; byPlatform takes one for each platform",
        },
      ];
    }
    return neededFiles(topology, sidecar).flatMap(({ path, file, what }) => {
      const problem = undelivered(topology, sidecar, file);
      return problem === null ? [] : [{ path, message: `${what} ${file} ${problem}` }];
    });
  },
};

function neededFiles(topology: PlatformTopology, sidecar: Container): { path: string; file: string; what: string }[] {
  const args = sidecar.args ?? [];
  const files = [
    { path: "mode.spec", file: flagValue(args, "--spec"), what: "the spec" },
    { path: "mode.policy", file: flagValue(args, "--policy"), what: "the policy" },
    { path: "policySource", file: topology.policySource?.kind === "file" ? topology.policySource.path : undefined, what: "the policy" },
    { path: "containers.sidecar.env.CHIO_KERNEL_CONFIG_PATH", file: sidecar.env.CHIO_KERNEL_CONFIG_PATH, what: "the kernel configuration" },
  ];
  return files.flatMap(({ file, ...rest }) => (file === undefined || file === "" || file.includes("://") ? [] : [{ ...rest, file }]));
}

function undelivered(topology: PlatformTopology, sidecar: Container, file: string): string | null {
  if (sidecar.mounts.some((mount) => covers(topology, mount.volume, mount.path, file))) return null;
  const { image } = sidecar;
  if (topology.config.kind !== "image") return `is under nothing that ${topology.config.kind} delivers`;
  return image.kind === "bundled" && image.configDirectory === null ? "is not in the bundled image, and nothing else delivers it" : null;
}

function covers(topology: PlatformTopology, volumeName: string, mountPath: string, file: string): boolean {
  const volume = topology.volumes.find((one) => one.name === volumeName);
  if (volume?.kind !== "secret") return volume !== undefined && file.startsWith(`${mountPath}/`);
  return volume.files?.some((one) => `${mountPath}/${one.path}` === file) === true;
}
