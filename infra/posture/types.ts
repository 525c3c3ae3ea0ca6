import type { PostureReport } from "../topology/contract.ts";
import type { AcceptedFinding, Finding, InvariantId, Platform, PlatformTopology } from "../topology/types.ts";
import type { Place } from "./source.ts";

/** What a document can be. */
export const DOCUMENT_FORMATS = {
  "cloud-run-v1": "Cloud Run service (Knative, serving.knative.dev/v1)",
  "cloud-run-v2": "Cloud Run service (Admin API v2)",
  "ecs-task-definition": "Amazon ECS task definition",
  cloudformation: "CloudFormation template",
  "container-app": "Azure container app",
  "arm-template": "Azure Resource Manager template",
  "pulumi-state": "Pulumi stack export",
} as const;
export type DocumentFormat = keyof typeof DOCUMENT_FORMATS;

/** A finding in the reader's own document. */
export interface DocumentFinding extends Finding {
  /** Name of the service, of which a document may hold several. */
  readonly service: string;
  readonly platform: Platform;
  /** Null where the text has no such place. */
  readonly place: Place | null;
}

/** What the document does not say: neither good nor bad. */
export interface UnknownFact {
  /** The findings that could not be looked for. */
  readonly codes: readonly string[];
  readonly invariants: readonly InvariantId[];
  readonly path: string;
  readonly place: Place | null;
  /** What is not known, and where it can be seen. */
  readonly message: string;
}

export interface ServiceReport {
  readonly name: string;
  readonly platform: Platform;
  /** Where the service stands in the document. */
  readonly path: string;
  readonly place: Place | null;
  /** Name of the container that was taken for the sidecar. */
  readonly sidecar: string;
  /** What nobody accepted. */
  readonly findings: readonly DocumentFinding[];
  readonly accepted: readonly (DocumentFinding & AcceptedFinding)[];
  readonly unknown: readonly UnknownFact[];
  /** What is not known lowers it. */
  readonly posture: PostureReport;
  /** The document as the model sees it. Where the document is silent, a value stands in that no rule objects to. */
  readonly graph: PlatformTopology;
}

/** A service in which no container is the sidecar. */
export interface UnguardedService {
  readonly name: string;
  readonly platform: Platform;
  readonly path: string;
  readonly place: Place | null;
  readonly containers: readonly string[];
}

export interface DocumentReport {
  readonly origin: string;
  readonly format: DocumentFormat;
  /** Of all services. */
  readonly findings: readonly DocumentFinding[];
  readonly services: readonly ServiceReport[];
  readonly unguarded: readonly UnguardedService[];
}
