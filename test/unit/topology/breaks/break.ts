import type { Platform, TopologyProps } from "../../../../infra/topology/index.ts";
import { APP_IMAGE, container, KEY_ARN, type Loose } from "../fixtures.ts";

export interface Break {
  readonly what: string;
  readonly platform: Platform;
  readonly props?: Partial<TopologyProps>;
  readonly change?: (graph: Loose) => void;
}

/** For rules, ways to break each and nothing else. */
export type Breaks = Readonly<Record<string, readonly Break[]>>;

export const auxiliary = { name: "collector", image: APP_IMAGE.replace("/app@", "/collector@") };
export const app = (change: (one: Loose) => void) => (graph: Loose) => change(container(graph, "app"));
export const sidecar = (change: (one: Loose) => void) => (graph: Loose) => change(container(graph, "sidecar"));
export const settings = (change: (one: Loose) => void) => (graph: Loose) => change(graph.settings);
export const appSecret = (ref: Loose, env: string, purpose = "other") =>
  app((one) => one.secrets.push({ name: "stolen", purpose, target: { kind: "env", env }, ref }));
export const keyRef = { kind: "aws-secrets-manager", arn: KEY_ARN, field: null, versionStage: null, versionId: null };
