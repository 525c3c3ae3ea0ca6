export { apiProtect, mcpServeHttp } from "../topology/props.ts";
export type * from "./args.ts";
export { ChioCloudRunService } from "./service.ts";
