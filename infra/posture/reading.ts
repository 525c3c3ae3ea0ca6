import type { Container, PlatformTopology, StartCondition, Volume } from "../topology/types.ts";
import type { At } from "./at.ts";

/** A rule's finding that the reader makes itself: the model has no place for what it saw. */
export interface OwnBreach {
  readonly code: string;
  readonly at: At;
  readonly message: string;
  readonly fix?: string;
}

export interface OpenQuestion {
  readonly codes: readonly string[];
  readonly at: At;
  readonly message: string;
}

/** A container as the document has it. What its part in the service is, is found out later. */
export interface ReadContainer {
  readonly at: At;
  readonly container: Container;
  /** Field of the container (`probes.startup`, `env.NAME`) to its place. */
  readonly fields: Readonly<Record<string, At>>;
  /** The platform runs it to its end before the others. */
  readonly runsFirst: boolean;
  /** Ports that the document shows it to listen on, such as those of its probes. */
  readonly seenPorts: readonly number[];
}

export interface ReadEdge {
  readonly at: At;
  readonly container: string;
  readonly dependsOn: string;
  readonly condition: StartCondition;
}

export interface ReadVolume {
  readonly at: At;
  readonly volume: Volume;
}

/** What a reader hands on for one service. */
export interface ReadService {
  readonly name: string;
  readonly at: At;
  readonly graph: PlatformTopology;
  readonly reading: Reading;
}

/** What a container could break that is known only when it is deployed. */
export const ANOTHER_CONTAINER = [
  "CHIO-SIGNING-KEY-SCOPE",
  "CHIO-SECRET-SCOPE",
  "CHIO-EXTRA-PORT",
  "CHIO-START-ORDER",
  "CHIO-IMAGE-UNPINNED",
];

/** Collects where values of the model stand in the document, what is wrong with them, and what is not known. */
export class Reading {
  readonly #places: { readonly path: string; readonly at: At }[] = [];
  readonly breaches: OwnBreach[] = [];
  readonly questions: OpenQuestion[] = [];
  /** Code of a rule to why its findings are questions here. */
  readonly supposed = new Map<string, string>();

  /** `path` of the model, and all below it, stands here. */
  place(path: string, at: At): void {
    this.#places.push({ path, at });
  }

  /** The nearest place that a path of the model has in the document. */
  find(path: string): At | null {
    const covers = this.#places.filter(
      (one) => path === one.path || (path.startsWith(one.path) && /^[.[]/.test(path.slice(one.path.length))),
    );
    return covers.toSorted((a, b) => b.path.length - a.path.length)[0]?.at ?? null;
  }

  /** The document does not say, or does not say yet. */
  ask(codes: readonly string[], at: At, message: string): void {
    this.questions.push({ codes, at, message });
  }

  /** What the rule judges is a stand-in for something unknown: what it finds is asked, not claimed. */
  suppose(code: string, why: string): void {
    this.supposed.set(code, why);
  }

  breach(code: string, at: At, message: string, fix?: string): void {
    this.breaches.push({ code, at, message, ...(fix === undefined ? {} : { fix }) });
  }

  /** A value that cannot be meant. */
  wrong(at: At, message: string): void {
    this.breach("CHIO-DOCUMENT-VALUE", at, message);
  }

  /** A number. `absent` is what the platform takes where the document is silent, `standIn` what no rule objects to. */
  number(path: string, at: At, absent: number, codes: readonly string[], standIn = absent): number {
    if (path !== "") this.place(path, at);
    if (!at.given) return absent;
    const value = at.number();
    if (value !== undefined) return value;
    this.#unread(at, codes, "a number");
    return standIn;
  }

  flag(path: string, at: At, absent: boolean, codes: readonly string[], standIn = absent): boolean {
    if (path !== "") this.place(path, at);
    if (!at.given) return absent;
    const value = at.flag();
    if (value !== undefined) return value;
    this.#unread(at, codes, "true or false");
    return standIn;
  }

  /**
   * What a list holds, as far as it is known. A part that only the deployment knows is asked about: silence would say that there is nothing. What is
   * no list is wrong, and is not shown: it may be a map of secrets.
   */
  list(at: At, codes: readonly string[]): At[] {
    if (!at.given) return [];
    const [items, unknown] = [at.items(), at.unresolved ? at : at.items().find((one) => one.unresolved)];
    if (unknown !== undefined) this.ask(codes, unknown, "what is in this list is known only when it is deployed");
    else if (!Array.isArray(at.value)) this.wrong(at, "the platform takes a list here");
    return items.filter((one) => !one.unresolved);
  }

  #unread(at: At, codes: readonly string[], wanted: string): void {
    if (at.unresolved) this.ask(codes, at, "the value is known only when it is deployed");
    else this.wrong(at, `${JSON.stringify(at.value)} is not ${wanted}`);
  }
}
