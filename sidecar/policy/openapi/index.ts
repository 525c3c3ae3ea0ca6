export { type LoadOpenApiOptions, loadOpenApi } from "./load.ts";
export { type DerivedTool, type ManifestBody, type ManifestTool, type OpenApiTable, toManifest } from "./tools.ts";
