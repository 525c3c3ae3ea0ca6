import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { type PolicySource, type ReceiptSink, sidecarAccess } from "../topology/index.ts";
import { cdk, iam } from "./cdk.ts";
import type { Model } from "./model.ts";
import type { ChioConfig } from "./props.ts";

/** What the sidecar itself reads and writes, for the task role: these actions on these resources, and nothing else. */
export function grantSidecarAccess(scope: Construct, grantee: IGrantable, model: Model, config: ChioConfig | undefined): void {
  const { reads, writes } = sidecarAccess(model.graph);
  const objects = new Map(reads.flatMap((source) => (source.kind === "s3" ? [[`${source.bucket}/${source.key}`, source] as const] : [])));
  for (const source of objects.values()) grantRead(scope, grantee, model, source);
  for (const sink of writes) grantWrite(scope, grantee, model, sink);
  if (config?.kind === "efs") grantMount(grantee, config);
}

function grantRead(scope: Construct, grantee: IGrantable, { buckets }: Model, source: PolicySource & { kind: "s3" }): void {
  const bucket = buckets.get(source.bucket);
  allow(grantee, ["s3:GetObject"], [bucket?.arnForObjects(source.key) ?? s3Arn(scope, `${source.bucket}/${source.key}`)]);
  bucket?.encryptionKey?.grantDecrypt(grantee);
}

/** Adding only: no read, no overwrite in place of a table's item, no delete. */
function grantWrite(scope: Construct, grantee: IGrantable, { buckets, tables }: Model, sink: ReceiptSink): void {
  if (sink.kind === "dynamodb") {
    const table = tables.get(sink.table);
    allow(grantee, ["dynamodb:PutItem"], [table?.tableArn ?? tableArn(scope, sink.table, sink.region)]);
    table?.encryptionKey?.grantEncryptDecrypt(grantee);
  } else if (sink.kind === "s3") {
    const bucket = buckets.get(sink.bucket);
    const keys = `${sink.prefix}*`;
    allow(grantee, ["s3:PutObject"], [bucket?.arnForObjects(keys) ?? s3Arn(scope, `${sink.bucket}/${keys}`)]);
    bucket?.encryptionKey?.grant(grantee, "kms:GenerateDataKey");
  }
}

/** Mounting without ClientWrite is read-only, whatever the mount point says. */
function grantMount(grantee: IGrantable, { fileSystem, accessPoint }: ChioConfig & { kind: "efs" }): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ["elasticfilesystem:ClientMount"],
      resources: [fileSystem.fileSystemArn],
      conditions: { StringEquals: { "elasticfilesystem:AccessPointArn": accessPoint.accessPointArn } },
    }),
  );
}

function allow(grantee: IGrantable, actions: string[], resources: string[]): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement({ actions, resources }));
}

function s3Arn(scope: Construct, path: string): string {
  return `arn:${cdk.Stack.of(scope).partition}:s3:::${path}`;
}

function tableArn(scope: Construct, table: string, region: string | null): string {
  const parts = { service: "dynamodb", resource: "table", resourceName: table, arnFormat: cdk.ArnFormat.SLASH_RESOURCE_NAME };
  return cdk.Arn.format(region === null ? parts : { ...parts, region }, cdk.Stack.of(scope));
}
