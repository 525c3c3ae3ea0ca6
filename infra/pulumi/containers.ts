import type * as pulumi from "@pulumi/pulumi";
import { type HealthCheck, type ImageProps, isDeferred, type ResourcesProps } from "../topology/index.ts";
import type { Collected } from "./deferral.ts";
import { mapValues, optional, prune } from "./values.ts";

/**
 * A reference that ends in `@sha256:` and 64 hex digits. An output is checked for that when it is known. `pinnedBy: "content-hash"` is your
 * word for a tag that is made from the content and never moved.
 */
export type ImageInput = pulumi.Input<string> | { readonly reference: pulumi.Input<string>; readonly pinnedBy: "digest" | "content-hash" };

/** `Secret`: how the platform's secrets are named. */
export interface ContainerArgs<Secret> {
  /** Image, pinned by digest. linux/amd64. */
  readonly image: ImageInput;
  /** Replaces the image's ENTRYPOINT. @default the image's own */
  readonly command?: readonly string[];
  /** Replaces the image's CMD. @default the image's own */
  readonly args?: readonly string[];
  /** @default the image's own */
  readonly workingDirectory?: string;
  /** Plain variables: they show in the console and in the state. @default none */
  readonly env?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Variables from the secret store. The sidecar's own secrets are refused here. @default none */
  readonly secrets?: Readonly<Record<string, Secret>>;
  readonly resources?: ResourcesProps;
}

export interface AppArgs<Secret> extends ContainerArgs<Secret> {
  /** @default app */
  readonly name?: string;
  /** Port that the app binds on loopback. @default 8080 */
  readonly port?: number;
  /** Address that the app binds. @default 127.0.0.1 */
  readonly bind?: string;
  /** Path of an HTTP health endpoint, `tcp` to see only whether the port is open. @default tcp */
  readonly health?: string;
}

export interface AuxiliaryArgs<Secret> extends ContainerArgs<Secret> {
  /** DNS label. */
  readonly name: string;
  /** Ports it binds on loopback. @default none */
  readonly listens?: readonly number[];
}

export interface SidecarArgs {
  /** The sidecar's image in a registry that the platform can pull from. Pulumi builds none: push it, and name it by digest. */
  readonly image: ImageInput;
  /** Which of the two images it is; it fixes the uid. @default distroless */
  readonly flavor?: "distroless" | "alpine";
  /** @default chio-sidecar */
  readonly name?: string;
  /** @default 9090 */
  readonly port?: number;
  /** @default /chio/health */
  readonly healthPath?: string;
  /** @default /etc/chio/kernel/kernel.yaml with secret files, the image's own with config "image", else /etc/chio/kernel.yaml */
  readonly kernelConfig?: string | null;
  /** @default info */
  readonly logLevel?: "trace" | "debug" | "info" | "warn" | "error";
  /** Hex public keys of capability issuers. @default none but the sidecar's own */
  readonly trustedIssuers?: readonly string[];
  /** How often the policy is looked at again, `60s` for example. @default off */
  readonly policyRefresh?: string;
  /** Further plain variables. @default none */
  readonly env?: Readonly<Record<string, pulumi.Input<string>>>;
  readonly resources?: ResourcesProps;
  /** Health command for local runs of the same topology; the platform probes over HTTP. @default the program's own */
  readonly healthCommand?: Partial<HealthCheck>;
  /** Startup probe. @default every second, 30 attempts */
  readonly startup?: { readonly periodSeconds?: number; readonly attempts?: number };
}

/** A reference that is not known yet counts as pinned here, and is checked when it is known. */
export function imageProps(given: Collected<ImageInput>): ImageProps {
  if (given !== null && typeof given === "object") return { kind: "provided", ...given };
  return typeof given === "string" && isDeferred(given) ? { kind: "provided", reference: given, pinnedBy: "digest" } : given;
}

/** The container as the model takes it, with its secrets as `secret` reads them. */
export function containerProps<Secret, Ref>(one: Collected<ContainerArgs<Secret>>, secret: (input: Collected<Secret>) => Ref): object {
  const secrets = optional(one.secrets as Readonly<Record<string, Collected<Secret>>> | undefined, (values) => mapValues(values, secret));
  return { ...one, ...(prune({ image: imageProps(one.image as Collected<ImageInput>), secrets }) as object) };
}
