import { parse } from "yaml";
import { parseSource } from "../../../infra/posture/source.ts";
import { BROKEN } from "../posture/broken-documents.ts";
import { FAULTLESS, fixture, type Loose } from "../posture/documents.ts";

/** The document of a code's fault, as data, by the document's kind. */
export function faults(kind: "cloud-run" | "ecs" | "aca" | "cloudformation"): { code: string; what: string; document: Loose }[] {
  return BROKEN.filter(({ what }) => what.startsWith(`${kind}: `)).map(({ code, what, text, change }) => {
    const document = parseSource(text, "document")[0]?.value;
    change(document);
    return { code, what, document };
  });
}

export const goodService = (): Loose => parse(FAULTLESS["cloud-run"]);
export const goodApp = (): Loose => JSON.parse(FAULTLESS.aca).resources[0];
export const goodTemplate = (): Loose => parseSource(fixture("stack.cloudformation.yaml"), "template")[0]?.value;
