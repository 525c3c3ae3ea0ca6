/** Codes of this folder's errors, each with its cause. */
export const IMAGE_ERRORS = {
  png_unavailable: "A PNG file is wanted, and the packages that draw it are not installed or do not load.",
} as const;
export type ImageErrorCode = keyof typeof IMAGE_ERRORS;

/** A picture cannot be made. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;
  readonly fix: string;

  constructor(code: ImageErrorCode, message: string, fix: string) {
    super(message);
    this.name = "ImageError";
    this.code = code;
    this.fix = fix;
  }
}
