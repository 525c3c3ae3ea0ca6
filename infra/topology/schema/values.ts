import * as v from "valibot";
import { parseImage } from "../image.ts";
import type { PolicySource } from "../policy-source.ts";
import { parsePolicySource } from "../policy-source.ts";
import type { ReceiptSink } from "../receipt-sink.ts";
import { parseReceiptSink } from "../receipt-sink.ts";
import type { SecretRef } from "../secret-ref.ts";
import { parseSecretRef } from "../secret-ref.ts";
import { type ConfigDelivery, type ImageRef, PLATFORMS } from "../types.ts";
import { absolutePath, boolean, byKind, integer, list, nullable, object, oneOf, optional, port, shorthand, text } from "./tools.ts";

const kind = <const Kind extends string>(name: Kind) => v.literal(name);

const imageRef = byKind([
  object({ kind: kind("registry"), reference: text() }),
  object({ kind: kind("bundled"), flavor: oneOf(["distroless", "alpine"]), configDirectory: optional(nullable(text()), null) }),
  object({ kind: kind("build"), context: text(), dockerfile: optional(text(), "Dockerfile"), target: optional(nullable(text()), null) }),
  object({ kind: kind("provided"), reference: text(), pinnedBy: oneOf(["digest", "content-hash"]) }),
]);
export const imageSchema = shorthand<ImageRef>(parseImage, imageRef);

const secretRef = byKind([
  object({
    kind: kind("aws-secrets-manager"),
    arn: text(),
    field: optional(nullable(text()), null),
    versionStage: optional(nullable(text()), null),
    versionId: optional(nullable(text()), null),
  }),
  object({ kind: kind("aws-ssm-parameter"), arn: text() }),
  object({ kind: kind("gcp-secret-manager"), project: optional(nullable(text()), null), secret: text(), version: text() }),
  object({ kind: kind("azure-key-vault"), uri: text() }),
  object({ kind: kind("file"), path: text() }),
  object({ kind: kind("environment"), variable: text() }),
]);
export const secretSchema = shorthand<SecretRef>(parseSecretRef, secretRef);

const policySource = byKind([
  object({ kind: kind("s3"), bucket: text(), key: text() }),
  object({ kind: kind("gs"), bucket: text(), object: text() }),
  object({ kind: kind("azblob"), account: text(), container: text(), blob: text() }),
  object({ kind: kind("https"), url: text() }),
  object({ kind: kind("file"), path: absolutePath() }),
]);
export const policySourceSchema = shorthand<PolicySource>(parsePolicySource, policySource);

const receiptSink = byKind([
  object({ kind: kind("dynamodb"), table: text(), region: optional(nullable(text()), null) }),
  object({ kind: kind("bigquery"), project: text(), dataset: text(), table: text() }),
  object({
    kind: kind("cosmosdb"),
    account: text(),
    database: optional(nullable(text()), null),
    container: optional(nullable(text()), null),
  }),
  object({
    kind: kind("postgres"),
    host: text(),
    port: optional(nullable(port()), null),
    database: text(),
    user: optional(nullable(text()), null),
    parameters: optional(v.string(), ""),
  }),
  object({ kind: kind("s3"), bucket: text(), prefix: optional(v.string(), "") }),
  object({ kind: kind("gs"), bucket: text(), prefix: optional(v.string(), "") }),
  object({ kind: kind("https"), url: text() }),
  object({ kind: kind("sqlite"), path: optional(nullable(absolutePath()), null) }),
  object({ kind: kind("stdout") }),
]);
export const receiptSinkSchema = shorthand<ReceiptSink>(parseReceiptSink, receiptSink);

const mountPath = () => optional(absolutePath(), "/etc/chio");

export const configSchema: v.GenericSchema<unknown, ConfigDelivery> = byKind([
  object({ kind: kind("image") }),
  object({
    kind: kind("efs"),
    fileSystemId: text(),
    accessPointId: optional(nullable(text()), null),
    rootDirectory: optional(nullable(absolutePath()), null),
    transitEncryption: optional(boolean(), true),
    iam: optional(boolean(), true),
    mountPath: mountPath(),
  }),
  object({
    kind: kind("secret-files"),
    files: v.pipe(list(object({ path: absolutePath(), ref: secretSchema })), v.minLength(1, "must name at least one file")),
  }),
  object({
    kind: kind("fetched"),
    base: v.pipe(
      text(),
      v.regex(
        /^(s3|gs|azblob|https):\/\/[^/?#\s]+\/([^?#\s]+\/)?$/,
        "must be an s3://, gs://, azblob:// or https:// address that ends in a slash",
      ),
    ),
  }),
  object({ kind: kind("gcs"), bucket: text(), mountPath: mountPath() }),
  object({ kind: kind("azure-file"), storageName: text(), mountPath: mountPath() }),
  object({ kind: kind("host"), directory: text(), mountPath: mountPath() }),
]);

export const acceptanceSchema = object({ code: text(), reason: v.string(), path: optional(text()), platform: optional(oneOf(PLATFORMS)) });

export const healthCheckEntries = {
  intervalSeconds: optional(integer(0)),
  timeoutSeconds: optional(integer(0)),
  retries: optional(integer(0)),
  startPeriodSeconds: optional(integer(0)),
};
