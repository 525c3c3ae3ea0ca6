import { LocalRunError } from "../../local/errors.ts";

/** The library's errors name its options; on the command line these are flags. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/images: \{ "([^"]+)": "…" \}/g, "--image $1=REFERENCE"],
  [/secrets: \{ "([^"]+)": "…" \}/g, "--secret $1=@FILE"],
  [/files: \{ "([^"]+)": … \}/g, "--file $1=FILE"],
  [/\b(image|secret|env|file)s?\.(?=\S+: )/g, "--$1 "],
  [/\bas configDirectory\b/g, "with --config"],
  [/\bin configDirectory\b/g, "with --config"],
  [/\bconfigDirectory\b/g, "--config"],
  [/\bhostPort\b/g, "--port"],
  [/\breplicas: (?=\d)/g, "--replicas: "],
];

/** The same error in the words of the command line. */
export function inFlags(error: LocalRunError): LocalRunError {
  const said = (text: string) => WORDS.reduce((words, [pattern, flag]) => words.replace(pattern, flag), text);
  return new LocalRunError(error.code, said(error.message), {
    ...(error.fix === undefined ? {} : { fix: said(error.fix) }),
    ...(error.timeline === undefined ? {} : { timeline: error.timeline }),
    cause: error,
  });
}
