/**
 * Colours of the pictures. Each has a twin for dark surroundings; an SVG carries both and changes over by itself.
 * Series colours are after Okabe and Ito, which people with any common colour vision tell apart; shapes, dashes and
 * patterns say the same once more.
 * @module
 */

/** A colour on light ground and its twin on dark ground. */
export interface Tint {
  readonly light: string;
  readonly dark: string;
}

/** Text, lines and ground. */
export const INK: Readonly<Record<'text' | 'faint' | 'axis' | 'grid' | 'ground', Tint>> = {
  text: { light: '#1d2228', dark: '#e8ebef' },
  faint: { light: '#4d5661', dark: '#b3bcc7' },
  axis: { light: '#6b7480', dark: '#98a2ae' },
  grid: { light: '#dfe3e8', dark: '#343b44' },
  ground: { light: '#fdfdfe', dark: '#15191e' },
};

/** Colours of series, in the order in which they are given out. */
export const SERIES: readonly Tint[] = [
  { light: '#0068a9', dark: '#55a9e0' },
  { light: '#c9560a', dark: '#f0894a' },
  { light: '#00845f', dark: '#35bb92' },
  { light: '#b05a8c', dark: '#dd94bd' },
  { light: '#8a6d00', dark: '#d8b62e' },
  { light: '#3f8fc2', dark: '#8fd0f7' },
  { light: '#5c5f66', dark: '#c2c6cc' },
  { light: '#7a4fb5', dark: '#b795e6' },
  { light: '#8c3b2e', dark: '#d98a7c' },
];

/** Light colour of the series at `index`. */
export function seriesColor(index: number): string {
  return SERIES[index % SERIES.length]?.light ?? INK.text.light;
}

/** Rules that swap each colour for its twin where the surroundings are dark, but never on paper. */
export function darkRules(scope: string): string {
  const rules = [...Object.values(INK), ...SERIES].map(
    ({ light, dark }) => `${scope} [fill="${light}"]{fill:${dark}}${scope} [stroke="${light}"]{stroke:${dark}}`,
  );
  return `@media screen and (prefers-color-scheme: dark){${rules.join('')}}`;
}
