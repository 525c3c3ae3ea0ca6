export { apiProtect, mcpServeHttp } from "../topology/index.ts";
export { AWS_ERRORS, type AwsErrorCode, AwsPropsError } from "./errors.ts";
export { ChioFargateService } from "./fargate-service.ts";
export { type BundledImageProps, ChioImage } from "./image.ts";
export type * from "./props.ts";
export type { ChioFargateServiceProps } from "./service-props.ts";
export { ChioSidecar, type ChioSidecarProps } from "./sidecar.ts";
