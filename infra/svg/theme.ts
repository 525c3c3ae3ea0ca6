/** What a colour is for. Never the only sign of anything: shape, dash or word says it too. */
export type Colour =
  | "page"
  | "ink"
  | "muted"
  | "line"
  | "box"
  | "panel"
  | "blue"
  | "violet"
  | "amber"
  | "teal"
  | "green"
  | "red"
  | "blue-soft"
  | "violet-soft"
  | "amber-soft"
  | "green-soft"
  | "red-soft"
  | "grey-soft";

/** `auto` follows the reader's setting where the picture is shown by a browser, and is light elsewhere. */
export type Theme = "auto" | "light" | "dark";
export const THEMES = ["auto", "light", "dark"] as const satisfies readonly Theme[];

type Palette = { readonly [C in Colour]: string };

export const PALETTES: { readonly light: Palette; readonly dark: Palette } = {
  light: {
    page: "#ffffff",
    ink: "#1f2328",
    muted: "#57606a",
    line: "#8c959f",
    box: "#ffffff",
    panel: "#f3f5f7",
    blue: "#0969da",
    violet: "#7b3ff2",
    amber: "#8a5a00",
    teal: "#0f6e6e",
    green: "#1a7f37",
    red: "#cf222e",
    "blue-soft": "#d8e9ff",
    "violet-soft": "#eee3ff",
    "amber-soft": "#fdefc3",
    "green-soft": "#cdf2d6",
    "red-soft": "#ffdfdc",
    "grey-soft": "#dfe3e8",
  },
  dark: {
    page: "#0d1117",
    ink: "#e6edf3",
    muted: "#9ea7b0",
    line: "#6e7681",
    box: "#0d1117",
    panel: "#171c24",
    blue: "#6cb2ff",
    violet: "#bf99ff",
    amber: "#e3b341",
    teal: "#5fd3cf",
    green: "#56d364",
    red: "#ff8078",
    "blue-soft": "#143257",
    "violet-soft": "#2f2152",
    "amber-soft": "#40300b",
    "green-soft": "#12401f",
    "red-soft": "#541d1b",
    "grey-soft": "#2d333b",
  },
};

/** Fonts that are there on people's machines, narrower than the widths the layout counts with. */
export const FONT_FAMILY = "'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/** Classes `f-…` (fill) and `s-…` (stroke) for the colours that are used. */
export function styleSheet(theme: Theme, used: { readonly fill: Iterable<Colour>; readonly stroke: Iterable<Colour> }): string {
  const rules = (palette: Palette) =>
    [
      ...[...used.fill].sort().map((name) => `.f-${name}{fill:${palette[name]}}`),
      ...[...used.stroke].sort().map((name) => `.s-${name}{stroke:${palette[name]}}`),
    ].join("");
  if (theme === "dark") return rules(PALETTES.dark);
  return theme === "light" ? rules(PALETTES.light) : `${rules(PALETTES.light)}@media(prefers-color-scheme:dark){${rules(PALETTES.dark)}}`;
}
