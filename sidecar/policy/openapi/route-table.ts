import { captureSegment, decodeSegment, type TemplateSegment } from "../path-template.ts";
import type { HttpMethod, Route, RouteMatch, RoutePolicy, RouteTable } from "../types.ts";

export interface CompiledRoute {
  route: Route;
  segments: readonly TemplateSegment[];
}

const SAFE_METHODS = new Set<HttpMethod>(["GET", "HEAD", "OPTIONS"]);

/** What the method alone says about a route. */
export function methodPolicy(method: HttpMethod, safeMethods: RoutePolicy): RoutePolicy {
  return SAFE_METHODS.has(method) ? safeMethods : "deny_by_default";
}

/**
 * Builds the lookup. Segments are compared decoded, so `/a%64min` is `/admin` here as it is to the app. A HEAD request that no HEAD operation
 * matches has the GET operation's policy.
 *
 * A path that is open although an app could take it for a closed one is closed, too: `/Admin`, `/admin/`, `/admin;x=1` and `/admin.` next to a
 * closed `/admin`.
 */
export function buildRouteTable(
  routes: readonly CompiledRoute[],
  document: Pick<RouteTable, "title" | "version" | "sourceHash" | "notices">,
  safeMethods: RoutePolicy,
): RouteTable {
  const exact = new Map<HttpMethod, Node>();
  const closed = new Map<HttpMethod, Node>();
  for (const [order, compiled] of routes.entries()) {
    const { method, policy } = compiled.route;
    insert(exact, method, compiled.segments, order);
    if (policy === "deny_by_default") insert(closed, method, loosenTemplate(compiled.segments), order);
  }
  const matches: RouteMatch[] = routes.map(({ route }) => ({ pattern: route.pattern, policy: route.policy, route }));
  const find = (index: Map<HttpMethod, Node>, method: HttpMethod, segments: readonly string[]): number =>
    lookup(index.get(method), segments, 0, NONE);
  const looksClosed = (method: HttpMethod, segments: readonly string[]): boolean => {
    const root = closed.get(method);
    if (root === undefined) return false;
    // A closed operation that matches the path as it stands was considered, and an operation before it won.
    return someLeaf(root, loosenPath(segments), 0, (order) => !matchesExactly(routes[order]?.segments ?? [], segments));
  };
  return {
    ...document,
    routes: routes.map(({ route }) => route),
    match(method, path) {
      const raw = path.slice(1).split("/");
      const segments: string[] = [];
      for (const part of raw) {
        const decoded = decodeSegment(part);
        if (decoded === null || isAmbiguous(part, decoded, segments.length === raw.length - 1))
          return { pattern: path, policy: "deny_by_default", route: null };
        segments.push(decoded);
      }
      let order = find(exact, method, segments);
      if (order === NONE && method === "HEAD") order = find(exact, "GET", segments);
      const match =
        order === NONE ? { pattern: path, policy: methodPolicy(method, safeMethods), route: null } : (matches[order] as RouteMatch);
      if (match.policy === "deny_by_default") return match;
      const shut = looksClosed(method, segments) || (method === "HEAD" && looksClosed("GET", segments));
      return shut ? { ...match, policy: "deny_by_default" } : match;
    },
  };
}

/** What the request parser refuses, too: a segment that an app may take for path syntax. Never open, whoever asks. */
function isAmbiguous(raw: string, decoded: string, last: boolean): boolean {
  if (decoded === "") return !last;
  return decoded === "." || decoded === ".." || /[#?]/.test(raw) || /[/\\\u0000-\u001f\u007f]/.test(decoded);
}

const NONE = Number.POSITIVE_INFINITY;

/** A tree over path segments. `first` is the smallest order below, so that a search can stop early. */
interface Node {
  literals: Map<string, Node>;
  templates: { segment: TemplateSegment; node: Node }[];
  /** Routes that end here, in order. */
  orders: number[];
  first: number;
}

function insert(index: Map<HttpMethod, Node>, method: HttpMethod, segments: readonly TemplateSegment[], order: number): void {
  let node = index.get(method);
  if (node === undefined) {
    node = newNode();
    index.set(method, node);
  }
  node.first = Math.min(node.first, order);
  for (const segment of segments) {
    let next: Node | undefined;
    if ("literal" in segment) {
      next = node.literals.get(segment.literal) ?? newNode();
      node.literals.set(segment.literal, next);
    } else {
      const shape = segment.around.join("{}");
      next = node.templates.find((entry) => "around" in entry.segment && entry.segment.around.join("{}") === shape)?.node;
      if (next === undefined) {
        next = newNode();
        node.templates.push({ segment, node: next });
      }
    }
    next.first = Math.min(next.first, order);
    node = next;
  }
  node.orders.push(order);
}

function newNode(): Node {
  return { literals: new Map(), templates: [], orders: [], first: NONE };
}

/** Smallest order of a route that matches, if it is smaller than `best`. */
function lookup(node: Node | undefined, segments: readonly string[], at: number, best: number): number {
  if (node === undefined || node.first >= best) return best;
  if (at === segments.length) return Math.min(best, node.orders[0] ?? NONE);
  const text = segments[at] ?? "";
  let found = lookup(node.literals.get(text), segments, at + 1, best);
  for (const { segment, node: next } of node.templates) {
    if (next.first < found && captureSegment(segment, text) !== null) found = lookup(next, segments, at + 1, found);
  }
  return found;
}

/** True when a route that matches satisfies the test. */
function someLeaf(node: Node | undefined, segments: readonly string[], at: number, test: (order: number) => boolean): boolean {
  if (node === undefined) return false;
  if (at === segments.length) return node.orders.some(test);
  const text = segments[at] ?? "";
  if (someLeaf(node.literals.get(text), segments, at + 1, test)) return true;
  return node.templates.some(({ segment, node: next }) => captureSegment(segment, text) !== null && someLeaf(next, segments, at + 1, test));
}

function matchesExactly(template: readonly TemplateSegment[], segments: readonly string[]): boolean {
  return template.length === segments.length && template.every((segment, index) => captureSegment(segment, segments[index] ?? "") !== null);
}

/** As the most forgiving app reads a segment: any case, without matrix parameters, trailing dots and spaces, compatibility characters undone. */
function loosen(text: string): string {
  const plain = text.normalize("NFKC").toLowerCase();
  return (plain.split(";", 1)[0] ?? "").replace(/[.\s]+$/, "");
}

function loosenPath(segments: readonly string[]): string[] {
  const loose = segments.map(loosen);
  return loose.length > 1 && loose.at(-1) === "" ? loose.slice(0, -1) : loose;
}

function loosenTemplate(segments: readonly TemplateSegment[]): TemplateSegment[] {
  const loose = segments.map(
    (segment): TemplateSegment =>
      "literal" in segment
        ? { literal: loosen(segment.literal) }
        : { around: segment.around.map((text) => text.normalize("NFKC").toLowerCase()), names: segment.names },
  );
  const last = loose.at(-1);
  return loose.length > 1 && last !== undefined && "literal" in last && last.literal === "" ? loose.slice(0, -1) : loose;
}
