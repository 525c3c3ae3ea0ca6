import { TopologyInputError } from "../topology/index.ts";

const READ = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const PATH = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path";

/** Condition of a role assignment (version 2.0): of the container this one blob is read, and nothing is listed. */
export function blobCondition(blob: string): string {
  const problem = blobProblem(blob);
  if (problem !== null) throw new TopologyInputError([{ path: "policySource", message: `blob ${problem}` }]);
  return `((!(ActionMatches{'${READ}'})) OR (@Resource[${PATH}] StringEquals '${blob}'))`;
}

/** What keeps the blob's name from standing in a condition. Null: nothing. */
export function blobProblem(blob: string): string | null {
  return /['"\\$\n\r]/.test(blob)
    ? "has a quote, a backslash, a dollar sign or a line break, which a role condition cannot hold; give the blob another name"
    : null;
}
