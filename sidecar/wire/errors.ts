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

/** Codes of the wire layer, each with its cause in one line. docs/errors.md lists them all. */
export const WIRE_ERRORS = {
  invalid_json: "The text is not JSON.",
  invalid_utf8: "The bytes are not UTF-8.",
  byte_order_mark: "The text begins with a byte order mark, which JSON on the wire does not carry.",
  trailing_data: "Something follows the JSON value.",
  duplicate_key: "An object has the same key twice, so two readers could see two values.",
  lone_surrogate: "A string holds half of a surrogate pair, which has no UTF-8 form.",
  too_deep: "Arrays and objects are nested deeper than the limit.",
  too_large: "The text is larger than the limit.",
  number_out_of_range: "A number has no exact place in a 64-bit integer or a finite double.",
  not_json: "The value has no JSON form.",
  invalid_seed: "The signing seed is not 32 bytes as 64 hex characters or base64.",
  invalid_public_key: "The public key is not a usable Ed25519 key of 64 lower-case hex characters.",
  unsupported_algorithm: "The key or signature uses an algorithm other than Ed25519.",
  key_wiped: "The signing key was wiped.",
  wrong_signer: "The key that signs is not the key that the signed object names.",
  invalid_capability: "The capability token has a missing, mistyped or unknown field.",
  invalid_scope: "The scope has a missing, mistyped or unknown field.",
  unknown_constraint: "A grant carries a constraint type that this version cannot enforce.",
  invalid_constraint: "A constraint's value has the wrong shape for its type.",
  attenuation_refused: "The requested child capability is not an attenuation of its parent.",
  invalid_dpop_proof: "The DPoP proof has a missing, mistyped or unknown field.",
  invalid_receipt: "The receipt has a missing or mistyped field.",
  incoherent_receipt: "The receipt's kind, boundary, outcome, decision and trust level do not belong together.",
  invalid_manifest: "The signed manifest has a missing or mistyped field.",
  invalid_merkle_input: "A Merkle tree, hash or index is not usable.",
  invalid_checkpoint: "The checkpoint has a missing or mistyped field.",
} as const;

export type WireErrorCode = keyof typeof WIRE_ERRORS;

/** Every deliberate error of the wire layer. `path` says where in the value, `$.scope.grants[0]`, when that is known. */
export class WireError extends ChioError {
  declare readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(code, message, options);
  }
}
