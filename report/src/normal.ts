// The normal distribution, and histograms of values that are known by their quantiles.

// Phi(x) for |x| < 6, by its series: exact to about 1e-12.
export function normalCdf(x: number): number {
  let term = x, sum = x;
  for (let n = 3; Math.abs(term) > 1e-16; n += 2) sum += term *= (x * x) / n;
  return 0.5 + (sum * Math.exp(-(x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

// The x with Phi(x) = p, for p in [1e-6, 1 - 1e-6].
export function normalQuantile(p: number): number {
  let low = -5, high = 5;
  for (let step = 0; step < 48; ++step) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// The level of the i-th of n quantiles.
export const level = (i: number, n: number): number => (i + 0.5) / n;

export interface Bin { from: number; to: number; density: number; normal: number }

// Bins of equal width over the quantiles (ascending). Between two quantiles the mass is taken as
// even; what lies beyond the first and the last one is spread as far as the distance to the next.
export function quantileBins(quantiles: ArrayLike<number>, width: number): Bin[] {
  const n = quantiles.length;
  if (n < 2 || !Number.isFinite(quantiles[0]) || !Number.isFinite(quantiles[n - 1])) return [];
  const edges = [2 * quantiles[0] - quantiles[1], ...Array.from(quantiles),
    2 * quantiles[n - 1] - quantiles[n - 2]];
  const share = (x: number): number => {
    let i = 0;
    while (i < edges.length && edges[i] <= x) ++i;
    if (i === 0) return 0;
    if (i === edges.length) return 1;
    const inside = (x - edges[i - 1]) / (edges[i] - edges[i - 1]);
    const mass = (k: number) => (k === 0 ? 0 : k === n + 1 ? 1 : level(k - 1, n));
    return mass(i - 1) + inside * (mass(i) - mass(i - 1));
  };
  const bins: Bin[] = [];
  const first = Math.floor(edges[0] / width);
  const last = Math.ceil(edges[n + 1] / width);
  for (let b = first; b < last; ++b) {
    const from = b * width, to = from + width;
    const density = (share(to) - share(from)) / width;
    bins.push({ from, to, density, normal: (normalCdf(to) - normalCdf(from)) / width });
  }
  return bins;
}
