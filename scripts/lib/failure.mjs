/** A failure that the user can act on: shown as two lines, never with a stack trace. */
export class SetupError extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} fix the command or change that puts it right
   */
  constructor(message, fix) {
    super(message);
    this.name = "SetupError";
    this.fix = fix;
  }
}

/** A command line that cannot be meant. */
export class UsageError extends SetupError {}

/** @param {unknown} error */
export function describeFailure(error) {
  if (error instanceof SetupError) return `error: ${error.message}\n  fix: ${error.fix}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What to undo when the script is interrupted. @type {Set<() => Promise<unknown>>} */
export const cleanups = new Set();

/**
 * Runs a script's main function; a rejection is printed and ends the process with 1, misuse with 2. Interrupted, it undoes what is in `cleanups` first.
 * @param {() => Promise<number | void>} main
 */
export async function runMain(main) {
  for (const [signal, number] of /** @type {const} */ ([
    ["SIGINT", 2],
    ["SIGTERM", 15],
    ["SIGHUP", 1],
  ])) {
    process.once(signal, () => {
      void Promise.allSettled([...cleanups].map((undo) => undo())).then(() => process.exit(128 + number));
    });
  }
  try {
    process.exitCode = (await main()) ?? process.exitCode ?? 0;
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
