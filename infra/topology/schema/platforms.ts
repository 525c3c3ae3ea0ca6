import * as v from "valibot";
import { boolean, byKind, integer, list, nullable, object, oneOf, optional, port, string, text } from "./tools.ts";

const names = () => list(text());
const kind = <const Kind extends string>(name: Kind) => v.literal(name);

/** Sections of the input that only one platform reads. What is left out gets its value in `define-settings.ts`. */
export const ecsSchema = object({
  family: optional(text()),
  executionRoleArn: optional(nullable(text())),
  taskRoleArn: optional(nullable(text())),
  taskRoleStatements: optional(list(object({ effect: oneOf(["Allow", "Deny"]), actions: names(), resources: names() }))),
  region: optional(nullable(text())),
  logs: optional(
    object({
      appGroup: optional(text()),
      sidecarGroup: optional(text()),
      retentionDays: optional(integer(1)),
      sidecarMode: optional(oneOf(["blocking", "non-blocking"])),
      appMode: optional(oneOf(["blocking", "non-blocking"])),
      appMaxBufferMiB: optional(integer(1)),
    }),
  ),
  enableExecuteCommand: optional(boolean()),
  pidMode: optional(nullable(oneOf(["task"]))),
  securityGroupIngress: optional(list(object({ source: text(), port: port() }))),
  loadBalancer: optional(
    object({
      certificateArn: optional(nullable(text())),
      healthCheck: optional(
        object({
          path: optional(text()),
          intervalSeconds: optional(integer(5, 300)),
          timeoutSeconds: optional(integer(2, 120)),
          healthyThreshold: optional(integer(2, 10)),
          unhealthyThreshold: optional(integer(2, 10)),
        }),
      ),
    }),
  ),
  deregistrationDelaySeconds: optional(integer(0, 3600)),
  healthCheckGracePeriodSeconds: optional(integer(0)),
  circuitBreaker: optional(object({ enable: optional(boolean()), rollback: optional(boolean()) })),
  minHealthyPercent: optional(integer(0, 100)),
  maxHealthyPercent: optional(integer(100, 200)),
  platformVersion: optional(text()),
});

const egress = () => oneOf(["all-traffic", "private-ranges-only"]);

export const cloudRunSchema = object({
  project: optional(nullable(text())),
  region: optional(nullable(text())),
  serviceAccount: optional(nullable(text())),
  ingress: optional(oneOf(["all", "internal", "internal-and-cloud-load-balancing"])),
  executionEnvironment: optional(oneOf(["gen1", "gen2"])),
  startupCpuBoost: optional(boolean()),
  launchStage: optional(oneOf(["GA", "BETA"])),
  vpc: optional(
    nullable(
      byKind([
        object({
          kind: kind("direct"),
          network: text(),
          subnetwork: text(),
          tags: optional(names(), []),
          egress: optional(egress(), "private-ranges-only"),
        }),
        object({ kind: kind("connector"), connector: text(), egress: optional(egress(), "private-ranges-only") }),
      ]),
    ),
  ),
  invokers: optional(names()),
  binaryAuthorization: optional(nullable(text())),
  cpuIdle: optional(boolean()),
  readinessProbe: optional(boolean()),
});

export const acaSchema = object({
  environmentId: optional(nullable(text())),
  location: optional(nullable(text())),
  identityId: optional(nullable(text())),
  identityLifecycle: optional(oneOf(["None", "Init", "Main", "All"])),
  workloadIdentityId: optional(nullable(text())),
  revisionsMode: optional(oneOf(["Single", "Multiple"])),
  transport: optional(oneOf(["auto", "http", "http2"])),
  workloadProfile: optional(nullable(text())),
  registries: optional(names()),
  maxInactiveRevisions: optional(integer(0, 100)),
  startGate: optional(boolean()),
});

export const localSchema = object({ publishHost: optional(string()), publishPort: optional(port()) });
