import { IamMember as TableIamMember } from "@pulumi/gcp/bigquery/iamMember.js";
import type { Service } from "@pulumi/gcp/cloudrunv2/service.js";
import { ServiceIamMember } from "@pulumi/gcp/cloudrunv2/serviceIamMember.js";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember.js";
import { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember.js";
import * as pulumi from "@pulumi/pulumi";
import type { Deferral } from "../pulumi/deferral.ts";
import { label, Names } from "../pulumi/names.ts";
import { formatReceiptSink, type SecretRef, sidecarAccess, type TopologyFor } from "../topology/index.ts";
import { secretName } from "./template.ts";

type Graph = TopologyFor<"cloud-run">;

export interface GrantContext {
  /** Pulumi name of the component: stem of the grants' names. */
  readonly stem: string;
  readonly graph: Graph;
  readonly deferral: Deferral;
  /** `serviceAccount:…` */
  readonly member: pulumi.Output<string>;
  readonly project: pulumi.Input<string> | undefined;
  readonly options: pulumi.CustomResourceOptions;
}

/** Read access to each secret that a container or volume names, once per secret. Never on the project. */
export function grantSecrets(context: GrantContext): SecretIamMember[] {
  const { graph, deferral, member, project, options, stem } = context;
  const wanted = new Map<string, { name: string; ref: SecretRef & { kind: "gcp-secret-manager" } }>();
  const want = (name: string, ref: SecretRef) => {
    if (ref.kind !== "gcp-secret-manager") return;
    const key = secretName(graph, ref);
    if (!wanted.has(key)) wanted.set(key, { name, ref });
  };
  for (const container of graph.containers) for (const { name, ref } of container.secrets) want(name, ref);
  for (const volume of graph.volumes) if (volume.kind === "secret") for (const file of volume.files ?? []) want(label(file.path), file.ref);
  const names = new Names(`${stem}-reads`);
  return [...wanted.values()].map(({ name, ref }) => {
    const secretId = deferral.restoreText(ref.secret);
    const own = ref.project === null ? project : deferral.restoreText(ref.project);
    return new SecretIamMember(
      names.next(name),
      {
        secretId,
        // A full name says its project itself.
        ...(own === undefined
          ? {}
          : { project: pulumi.all([secretId, own]).apply(([id, it]) => (id.startsWith("projects/") ? undefined : it)) }),
        role: "roles/secretmanager.secretAccessor",
        member,
      },
      options,
    );
  });
}

/** What the sidecar reaches with the account: each object that it reads, each place that it adds receipts to. */
export function grantAccess(context: GrantContext, receiptRole: pulumi.Input<string>): pulumi.Resource[] {
  const { graph, deferral, member, options, stem } = context;
  const { reads, writes } = sidecarAccess(graph);
  const names = new Names(stem);
  const seen = new Set<string>();
  const grants: pulumi.Resource[] = [];
  const bucket = (name: string, id: string, role: string, condition?: { title: string; expression: pulumi.Output<string> }) =>
    grants.push(
      new BucketIAMMember(
        names.next(name),
        { bucket: deferral.restoreText(id), role, member, ...(condition === undefined ? {} : { condition }) },
        options,
      ),
    );

  for (const source of reads) {
    if (source.kind !== "gs" || seen.has(`${source.bucket}/${source.object}`)) continue;
    seen.add(`${source.bucket}/${source.object}`);
    bucket(`reads-${label(source.object)}`, source.bucket, "roles/storage.objectViewer", {
      title: "one object",
      expression: pulumi.interpolate`resource.name == "projects/_/buckets/${cel(deferral, source.bucket)}/objects/${cel(deferral, source.object)}"`,
    });
  }
  for (const volume of graph.volumes)
    if (volume.kind === "gcs") bucket(`mounts-${label(volume.name)}`, volume.bucket, "roles/storage.objectViewer");
  for (const sink of writes) {
    if (sink.kind === "gs") {
      const condition = {
        title: "receipts",
        expression: pulumi.interpolate`resource.name.startsWith("projects/_/buckets/${cel(deferral, sink.bucket)}/objects/${cel(deferral, sink.prefix)}")`,
      };
      bucket("adds-receipts", sink.bucket, "roles/storage.objectCreator", sink.prefix === "" ? undefined : condition);
    } else if (sink.kind === "bigquery") {
      const args = {
        project: deferral.restoreText(sink.project),
        datasetId: deferral.restoreText(sink.dataset),
        tableId: deferral.restoreText(sink.table),
        role: receiptRole,
        member,
      };
      grants.push(new TableIamMember(names.next("adds-receipts"), args, options));
    }
  }
  return grants;
}

/** Places that no grant of Google Cloud opens: they want credentials of their own. */
export function ungranted(graph: Graph): string[] {
  const { reads, writes } = sidecarAccess(graph);
  return [
    ...reads.filter((source) => source.kind === "s3" || source.kind === "azblob").map((source) => `the ${source.kind} source`),
    ...writes
      .filter((sink) => sink.kind !== "gs" && sink.kind !== "bigquery" && sink.kind !== "https")
      .map((sink) => `the sink ${formatReceiptSink(sink)}`),
  ];
}

const PUBLIC = new Set(["allUsers", "allAuthenticatedUsers"]);
const MEMBER =
  /^(allUsers|allAuthenticatedUsers|(user|serviceAccount|group|domain|projectOwner|projectEditor|projectViewer):\S+|(principal|principalSet):\/\/\S+)$/;

/** True for a member that IAM takes. */
export function isMember(text: string): boolean {
  return MEMBER.test(text);
}

export function isPublic(text: string): boolean {
  return PUBLIC.has(text);
}

/** One binding per caller. An output that turns out to mean everybody is refused: public is what is written in the program as such. */
export function grantInvokers(context: GrantContext, service: Service): ServiceIamMember[] {
  const { graph, deferral, options, stem } = context;
  const names = new Names(`${stem}-invoker`);
  return graph.settings.invokers.map((invoker, index) => {
    const later = invoker.includes("${");
    const member = later
      ? deferral.restoreText(invoker).apply((one) => {
          if (isPublic(one))
            throw new Error(
              `invokers[${index}]: is ${one}, from an output; write "${one}" into the list itself to make the service public`,
            );
          if (!isMember(one))
            throw new Error(`invokers[${index}]: ${JSON.stringify(one)} is no IAM member; write serviceAccount:…, group:… or user:…`);
          return one;
        })
      : invoker;
    const { project, location, name } = service;
    return new ServiceIamMember(
      names.next(later ? `${index}` : label(invoker)),
      { project, location, name, role: "roles/run.invoker", member },
      options,
    );
  });
}

/** Text inside a string of an IAM condition. */
function cel(deferral: Deferral, text: string): pulumi.Output<string> {
  return deferral.restoreText(text).apply((value) => value.replace(/[\\"]/g, "\\$&"));
}
