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
export function exact(value: number): string { return Number.isNaN(value) ? '' : String(value); }

export function grouped(value: number): string {
  return minus(String(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function interval(low: number, high: number): string {
  return Number.isNaN(low) || Number.isNaN(high) ? '' : `${short(low)} to ${short(high)}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${grouped(number)} ${number === 1 ? one : many}`;
}

export function percent(share: number): string {
  return Number.isNaN(share) ? '' : `${short(100 * share)} %`;
}

function minus(text: string): string { return text.replace(/^-/, '−'); }
