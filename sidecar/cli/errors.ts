import { ChioError } from "../wire/errors.ts";

/** Codes of the commands themselves. docs/errors.md lists them all. */
export const CLI_ERRORS = {
  install_not_a_program: "`chio install` copies the compiled program, and this is its source.",
  install_target_unusable: "The program cannot be written where `chio install` was told to.",
  wait_timed_out: "The sidecar was not ready within the time that `chio wait` was given; the command was not started.",
  stdin_taken: "Two files of one command are named `-`, and standard input is there once.",
  command_not_found: "`chio wait` was to start a command that is not in this image.",
  command_not_runnable: "`chio wait` was to start a file that this system cannot run.",
} as const;

export type CliErrorCode = keyof typeof CLI_ERRORS;

/** Misuse; and what a shell answers for a command that is not there, and for one that is and does not run. */
const EXIT_CODES: Partial<Record<CliErrorCode, number>> = { stdin_taken: 2, command_not_found: 127, command_not_runnable: 126 };

export class CliError extends ChioError {
  declare readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(code, message, options);
  }

  get exitCode(): number {
    return EXIT_CODES[this.code] ?? 1;
  }
}
