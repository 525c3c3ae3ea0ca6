export { apiProtect, mcpServeHttp } from "../topology/props.ts";
export type * from "./args.ts";
export { ChioContainerApp } from "./container-app.ts";
