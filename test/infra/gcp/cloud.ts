import { type StandIn, standInFor } from "../pulumi/stand-in.ts";

export { known, settled, unknown } from "../pulumi/stand-in.ts";

/** Stands in for Google Cloud. */
export function standIn(options: { preview?: boolean } = {}): Promise<StandIn> {
  return standInFor({ ...options, computed });
}

function computed(type: string, name: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case TYPES.service:
      return { uri: `https://${inputs.name}-abc-uc.a.run.app`, latestReadyRevision: `${inputs.name}-00001-abc`, project: "team" };
    case TYPES.account:
      return { email: `${inputs.accountId}@team.iam.gserviceaccount.com`, name };
    case "gcp:secretmanager/secret:Secret":
      return { name: `projects/1/secrets/${inputs.secretId}` };
    case "gcp:secretmanager/secretVersion:SecretVersion":
      return { name: `projects/1/secrets/${name}/versions/1`, version: "1" };
    default:
      return {};
  }
}

export const TYPES = {
  service: "gcp:cloudrunv2/service:Service",
  account: "gcp:serviceaccount/account:Account",
  invoker: "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
  secretReader: "gcp:secretmanager/secretIamMember:SecretIamMember",
  bucketMember: "gcp:storage/bucketIAMMember:BucketIAMMember",
  tableMember: "gcp:bigquery/iamMember:IamMember",
} as const;
