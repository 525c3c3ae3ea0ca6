/** Codes of the bundled image, each with its cause. docs/errors.md lists them. */
export const BUNDLED_IMAGE_ERRORS = {
  image_sources_missing: "The installation of chio-kit lacks files that the sidecar's image is built from.",
  image_config_missing: "The directory that is to become the image's /etc/chio is not there, or is no directory.",
} as const;
export type BundledImageErrorCode = keyof typeof BUNDLED_IMAGE_ERRORS;

/** The context that the sidecar's image is built from cannot be made. `fix`: what to do about it. */
export class BundledImageError extends Error {
  readonly code: BundledImageErrorCode;
  readonly fix: string;

  constructor(code: BundledImageErrorCode, message: string, fix: string) {
    super(`${message}; ${fix}`);
    this.name = "BundledImageError";
    this.code = code;
    this.fix = fix;
  }
}
