/** Version of the package; a test holds it against package.json, which the single-file program does not carry. */
export const VERSION = "0.1.0";
