/** Codes of what keeps a document from being checked at all. Findings about a document have the codes of the topology's rules. */
export const POSTURE_ERRORS = {
  document_syntax: "the document is not valid YAML or JSON",
  document_too_large: "the document is larger than any deployment",
  document_unknown: "the document has none of the formats that can be checked",
  document_no_sidecar: "no service of the document has a sidecar",
  document_sidecar_unclear: "several containers of a service look like the sidecar",
  document_platform: "the document is for another platform than the one that was named",
} as const;
export type PostureErrorCode = keyof typeof POSTURE_ERRORS;

/** The document cannot be checked. The message begins with the document's name, and line and column where there are any. */
export class DocumentError extends Error {
  readonly code: PostureErrorCode;
  readonly fix: string;

  constructor(code: PostureErrorCode, message: string, fix: string) {
    super(message);
    this.name = "DocumentError";
    this.code = code;
    this.fix = fix;
  }
}
