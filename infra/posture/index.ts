export { acceptFindings, type ReviewedDocuments } from "./accept.ts";
export { type DocumentRule, OWN_RULES as DOCUMENT_RULES } from "./document-rules.ts";
export { DocumentError, POSTURE_ERRORS, type PostureErrorCode } from "./errors.ts";
export { sarifLog } from "./sarif.ts";
export type { Place } from "./source.ts";
export {
  DOCUMENT_FORMATS,
  type DocumentFinding,
  type DocumentFormat,
  type DocumentReport,
  type ServiceReport,
  type UnguardedService,
  type UnknownFact,
} from "./types.ts";
export { type VerifyOptions, verifyDocument } from "./verify.ts";
