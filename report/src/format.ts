// Numbers as text. Values of files are shown whole where they are read (tooltips, tables), and with
// four significant digits where they are compared (lists, axes).

export function short(value: number): string {
  if (Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return grouped(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return minus(value.toExponential(2).replace('e+', 'e'));
  return minus(String(Number(value.toPrecision(4))));
}

// As in the CSV file: the shortest text that gives the same number again.
export const exact = (value: number) => (Number.isNaN(value) ? '' : String(value));
export const grouped = (value: number) => minus(String(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
export const interval = (low: number, high: number) =>
  (Number.isNaN(low + high) ? '' : `${short(low)} to ${short(high)}`);
export const percent = (share: number) => (Number.isNaN(share) ? '' : `${short(100 * share)} %`);

export const count = (number: number, one: string, many = `${one}s`) =>
  `${grouped(number)} ${number === 1 ? one : many}`;

const minus = (text: string) => text.replace(/^-/, '−');
