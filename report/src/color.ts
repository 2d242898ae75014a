// Colours. `fill` paints areas that touch each other (cells), `ink` lines and points: its ramps, and the
// categories, have a contrast of 3 to 1 against the background of the theme (color.test.ts computes it).
// Cividis rises in lightness and reads the same with each kind of colour vision; the categories are those
// of Okabe and Ito, darker on white and lighter on black where they would vanish.

import colors from './colors.json' with { type: 'json' };

export const kDashes: readonly string[] = colors.dashes;
export const kSymbolPaths: Readonly<Record<string, string>> = colors.symbols;   // around (0, 0)
export const kSymbols = Object.keys(colors.symbols) as (keyof typeof colors.symbols)[];

const theme = (dark: boolean) => (dark ? colors.dark : colors.light);

function ramp(steps: readonly string[], t: number): string {
  const at = Math.min(Math.max(t, 0), 1) * (steps.length - 1);
  const low = Math.min(Math.floor(at), steps.length - 2);
  const part = (color: string, place: number) => parseInt(color.slice(place, place + 2), 16);
  return `#${[1, 3, 5].map(place => {
    const from = part(steps[low], place), to = part(steps[low + 1], place);
    return Math.round(from + (at - low) * (to - from)).toString(16).padStart(2, '0');
  }).join('')}`;
}

// t: 0 to 1 between the limits of the colours; 0.5 is 0 on a signed ramp.
export const fill = (t: number, dark: boolean, signed = false) =>
  ramp(signed ? theme(dark).signedFill : colors.cividis, t);

export function ink(t: number, dark: boolean, signed = false): string {
  if (signed) return ramp(theme(dark).signedInk, t);
  const [low, high] = theme(dark).trim;
  return ramp(colors.cividis, low + Math.min(Math.max(t, 0), 1) * (high - low));
}

export const category = (index: number, dark: boolean): string => theme(dark).categories[index % 8];

export const unit = (value: number, [low, high]: readonly [number, number]) => (value - low) / (high - low);
