// Colours. `fill` paints areas that touch each other (cells), `ink` lines and points: its ramps are
// trimmed to a contrast of 3 to 1 against the background of the theme. color.test.ts computes it.

export const kBackground = { light: '#ffffff', dark: '#14171c' };

// The ramp cividis, at equal steps: it rises in lightness, and reads the same with each kind of
// colour vision.
const kCividis = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74',
  '#c3b369', '#e1cc55', '#fee838'];
const kDiverging = {
  light: { fill: ['#1b5a9c', '#79aad4', '#f1f1f0', '#e39a55', '#9c4a00'], ink: ['#0b4a8f', '#767676', '#a34a00'] },
  dark: { fill: ['#8cc4f5', '#3f7fb5', '#2a2e35', '#b06a2a', '#ffb268'], ink: ['#7cc0ff', '#8d9096', '#ffa24d'] },
};
const kTrim = { light: [0, 0.58], dark: [0.42, 1] };

// Okabe and Ito's colours, made darker on white and lighter on black where they would vanish.
export const kCategories = {
  light: ['#0072b2', '#c65300', '#008a64', '#b3568b', '#8f6d00', '#2583b8', '#333333', '#7a7a00'],
  dark: ['#5db4ee', '#ff8d4a', '#2fc79c', '#e39bc4', '#f0b429', '#8fd3ff', '#ededed', '#f0e442'],
};
export const kDashes = ['', '7 3', '2 2', '9 3 2 3', '5 2 1 2 1 2', '1 3', '12 4', '4 4'];
export const kSymbols = ['circle', 'square', 'triangle', 'diamond', 'cross', 'star', 'plus', 'wye'] as const;

type Rgb = [number, number, number];
export function rgb(hex: string): Rgb {
  return [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
}

function ramp(colors: readonly string[], t: number): string {
  const at = Math.min(Math.max(t, 0), 1) * (colors.length - 1);
  const low = Math.min(Math.floor(at), colors.length - 2);
  const a = rgb(colors[low]), b = rgb(colors[low + 1]);
  return '#' + a.map((part, i) => Math.round(part + (at - low) * (b[i] - part))
    .toString(16).padStart(2, '0')).join('');
}

const theme = (dark: boolean) => (dark ? 'dark' : 'light');

// t: 0 to 1 between the limits of the colours; 0.5 is 0 on a signed ramp.
export function fill(t: number, dark: boolean, signed = false): string {
  return signed ? ramp(kDiverging[theme(dark)].fill, t) : ramp(kCividis, t);
}

export function ink(t: number, dark: boolean, signed = false): string {
  if (signed) return ramp(kDiverging[theme(dark)].ink, t);
  const [low, high] = kTrim[theme(dark)];
  return ramp(kCividis, low + Math.min(Math.max(t, 0), 1) * (high - low));
}

export function category(index: number, dark: boolean): string {
  return kCategories[theme(dark)][index % 8];
}

export function unit(value: number, [low, high]: readonly [number, number]): number {
  return (value - low) / (high - low);
}

// WCAG 2.2: relative luminance, and contrast of two colours.
function luminance(hex: string): number {
  const [r, g, b] = rgb(hex).map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}
