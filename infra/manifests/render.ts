import type { AnyTopology, Platform } from "../topology/index.ts";
import { cloudRunYaml } from "./cloud-run.ts";
import type { RenderOptions } from "./common.ts";
import { composeYaml } from "./compose.ts";
import { containerAppBicep, containerAppJson } from "./container-app.ts";
import { ecsTaskDefinitionJson } from "./ecs.ts";
import { systemdUnits } from "./systemd.ts";

/** What `chio-kit render --platform` takes. */
export const MANIFEST_KINDS = ["cloud-run", "ecs", "aca", "compose", "systemd"] as const;
export type ManifestKind = (typeof MANIFEST_KINDS)[number];

export interface ManifestFile {
  /** Relative to the output directory; may hold one directory of its own. */
  readonly path: string;
  readonly text: string;
}

/** The platform whose graph a manifest shows. */
export function platformOf(kind: ManifestKind): Platform {
  return kind === "compose" || kind === "systemd" ? "local" : kind;
}

/** The files of one kind. Throws `TopologyError` with every finding, or `TopologyInputError` with every missing value, before any file is made. */
export function renderManifest(kind: ManifestKind, topology: AnyTopology, options: RenderOptions = {}): ManifestFile[] {
  switch (kind) {
    case "cloud-run":
      return [{ path: "service.yaml", text: cloudRunYaml(topology, options) }];
    case "ecs":
      return [{ path: "task-definition.json", text: ecsTaskDefinitionJson(topology, options) }];
    case "aca":
      return [
        { path: "container-app.bicep", text: containerAppBicep(topology, options) },
        { path: "container-app.json", text: containerAppJson(topology, options) },
      ];
    case "compose":
      return [{ path: "compose.yaml", text: composeYaml(topology, options) }];
    case "systemd": {
      const { fileName, text, appDropIn } = systemdUnits(topology, options);
      return [{ path: fileName, text }, ...(appDropIn === null ? [] : [{ path: appDropIn.fileName, text: appDropIn.text }])];
    }
  }
}
