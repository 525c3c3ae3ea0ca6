export { cloudRunService, cloudRunYaml } from "./cloud-run.ts";
export type { Data, DataObject, RenderOptions } from "./common.ts";
export { composeFile, composeYaml } from "./compose.ts";
export { CONTAINER_APP_API, containerAppBicep, containerAppJson, containerAppTemplate } from "./container-app.ts";
export { DIFFERENCES, type Difference } from "./differences.ts";
export { ecsTaskDefinition, ecsTaskDefinitionJson } from "./ecs.ts";
export { loadProps, loadTopologyFile } from "./load.ts";
export { MANIFEST_KINDS, type ManifestFile, type ManifestKind, platformOf, renderManifest } from "./render.ts";
export { type SystemdUnits, systemdUnit, systemdUnits } from "./systemd.ts";
