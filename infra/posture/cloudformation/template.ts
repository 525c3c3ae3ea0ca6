import type { At } from "../at.ts";
import { logicalId } from "./resolve.ts";

/** The resources of a template, by logical id and type. */
export class Resources {
  readonly #resources: ReadonlyMap<string, At>;

  constructor(template: At) {
    this.#resources = new Map(template.get("Resources").entries());
  }

  /** Properties of a resource; null when the template has no such one. */
  get(id: string | null): At | null {
    return id === null ? null : (this.#resources.get(id)?.get("Properties") ?? null);
  }

  typeOf(id: string): string | undefined {
    return this.#resources.get(id)?.get("Type").text();
  }

  of(type: string): { readonly id: string; readonly at: At; readonly properties: At }[] {
    return [...this.#resources]
      .filter(([, at]) => at.get("Type").text() === type)
      .map(([id, at]) => ({ id, at, properties: at.get("Properties") }));
  }

  /** The resource that a reference in the template is to. */
  named(reference: At): { readonly id: string; readonly properties: At } | null {
    const id = logicalId(reference.text());
    const properties = this.get(id);
    return id === null || properties === null ? null : { id, properties };
  }

  /** Whether any text below a place refers to the resource. */
  refers(at: At, id: string): boolean {
    if (logicalId(at.text()) === id) return true;
    return [...at.items(), ...at.entries().map(([, inner]) => inner)].some((inner) => this.refers(inner, id));
  }
}
