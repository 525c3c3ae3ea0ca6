/** The expressions of Azure Resource Manager, as Bicep compiles to them: `[format('{0}-app', parameters('name'))]`. */
export type Expression =
  | { readonly kind: "literal"; readonly value: string | number }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "member"; readonly of: Expression; readonly key: string | Expression };

/** Null when the text is none that this reads. */
export function parseExpression(text: string): Expression | null {
  const parser = new Parser(text);
  const expression = parser.expression();
  return expression === null || !parser.atEnd() ? null : expression;
}

/** Deeper than any that a person wrote or Bicep makes. */
const MAX_DEPTH = 64;

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#space();
    return this.#at >= this.#text.length;
  }

  expression(): Expression | null {
    if (++this.#depth > MAX_DEPTH) return null;
    let one = this.#primary();
    while (one !== null) {
      if (this.#take(/\.([A-Za-z_]\w*)/y)) one = { kind: "member", of: one, key: this.#match };
      else if (this.#take(/\[/y)) {
        const key = this.expression();
        if (key === null || !this.#take(/\]/y)) return null;
        one = { kind: "member", of: one, key };
      } else break;
    }
    this.#depth--;
    return one;
  }

  #match = "";

  #primary(): Expression | null {
    this.#space();
    if (this.#take(/'((?:[^']|'')*)'/y)) return { kind: "literal", value: this.#match.replaceAll("''", "'") };
    if (this.#take(/(-?\d+)/y)) return { kind: "literal", value: Number(this.#match) };
    if (!this.#take(/([A-Za-z_][\w.]*)\s*\(/y)) return null;
    const name = this.#match;
    const args: Expression[] = [];
    this.#space();
    if (this.#take(/\)/y)) return { kind: "call", name, args };
    for (;;) {
      const arg = this.expression();
      if (arg === null) return null;
      args.push(arg);
      this.#space();
      if (this.#take(/\)/y)) return { kind: "call", name, args };
      if (!this.#take(/,/y)) return null;
    }
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return false;
    this.#at = pattern.lastIndex;
    this.#match = match[1] ?? "";
    return true;
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }
}
