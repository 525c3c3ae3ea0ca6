import { ChioError } from "../../sidecar/wire/errors.ts";

/** Codes of the command line's own errors, each with its cause. docs/errors.md lists them; those of the model are in infra/topology. */
export const KIT_ERRORS = {
  input_not_text: "The input file is not UTF-8 text.",
  files_differ: "Files that are there hold something else, and nothing was written.",
  output_not_writable: "A file or directory cannot be written.",
  templates_missing: "The package lacks the files that projects are made from.",
  cancelled: "A question was left without an answer.",
  secret_missing: "A secret of the topology has no value on this machine.",
  secret_unknown: "A value was given for a secret that the topology does not have.",
  run_lost: "The local run ended before it was stopped, or lost something when it stopped.",
} as const;
export type KitErrorCode = keyof typeof KIT_ERRORS;

/** Deliberate error of `chio-kit`: one message, what to do about it, exit code 1. */
export class KitError extends ChioError {
  declare readonly code: KitErrorCode;

  constructor(code: KitErrorCode, message: string, options: { fix: string; cause?: unknown }) {
    super(code, message, options);
  }
}
