import type { At } from "./at.ts";

/** A task definition's keys: `image` in the API and in Pulumi, `Image` in CloudFormation. */
export type EcsWords = (at: At, ...keys: readonly string[]) => At;

export const CAMEL: EcsWords = (at, ...keys) => at.get(...keys);

const PASCAL_WORDS: Readonly<Record<string, string>> = {
  efsVolumeConfiguration: "EFSVolumeConfiguration",
  fileSystemId: "FilesystemId",
  iam: "IAM",
};
export const PASCAL: EcsWords = (at, ...keys) =>
  at.get(...keys.map((key) => PASCAL_WORDS[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`));
