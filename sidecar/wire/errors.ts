/**
 * Base of every error that chio throws on purpose. `code` is stable and documented in docs/errors.md; `message` names the cause;
 * `fix` says what to do about it. Neither ever carries a secret.
 */
export class ChioError extends Error {
  readonly code: string;
  readonly fix: string | undefined;

  constructor(code: string, message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.fix = options.fix;
  }
}
