// Is a head's "line plus normal noise" true, and which RoPE pairs carry position?

import type { Series } from '../chart.ts';
import { curveFigure, documentsText, isLog, middle, range, say, sentences } from '../curves.ts';
import { element } from '../dom.ts';
import { count, exact, percent, short } from '../format.ts';
import { gap, lacks, legend, remark, section, warning } from '../parts.ts';
import { kFewDocuments, percentile, type Head } from '../report.ts';
import { drift, pick, quantileBins, roomy, spectrum, type Drift, type Pair } from '../series.ts';
import type { Page } from '../view.ts';

const kApart = 0.5;      // deviations from the line that are worth a warning
const kPerBin = 8;       // of the residual quantiles

const normalDensity = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

function histogram(page: Page, quantiles: number[]): HTMLElement {
  const bins = quantileBins(quantiles, kPerBin);
  const x = bins.flatMap(bin => [bin.from, bin.to]), y = bins.flatMap(bin => [bin.density, bin.density]);
  const grid = Array.from({ length: 81 }, (_, i) => -4 + i / 10);
  return curveFigure(page, 'Histogram of residuals', [
    { name: 'residuals', style: 0, symbols: false, x, y, low: x.map(() => 0), high: y,
      lines: i => [`${short(x[i & ~1])} to ${short(x[i | 1])} deviations`, `density ${short(y[i])}`] },
    { name: 'normal', style: 1, symbols: false, x: grid, y: grid.map(normalDensity) },
  ], () => bins.map(bin => ({ ...bin, normal: normalDensity((bin.from + bin.to) / 2) })));
}

function quantileFigure(page: Page, residual: number[]): HTMLElement {
  const normal = page.analysis.records('normal', { level: NaN, normal: NaN });
  const x = normal.map(row => row.normal);
  const [low, high] = roomy([...x, ...residual]), most = Math.max(-low, high);
  return curveFigure(page, 'Residuals against normal', [
    { name: 'quantiles', style: 0, width: 2.5, symbols: false, x, y: residual, lines: i =>
      [`level ${short(normal[i].level)}`, `residual ${exact(residual[i])}`, `normal ${short(x[i])}`] },
    { name: 'normal', style: 1, symbols: false, x: [-3, 3], y: [-3, 3], width: 1.2 },
  ], () => normal.map((row, i) => ({ ...row, residual: residual[i] })),
  { x: { domain: [-3, 3] }, y: { domain: [-most, most] } });
}

export function residuals(page: Page, head: Head): HTMLElement {
  const profiles = page.analysis.table('profiles'), row = page.analysis.rows('profiles', head.key)[0] ?? -1;
  const quantiles = profiles?.list('residual_quantiles', row) ?? [];
  if (!quantiles.some(Number.isFinite)) {
    return gap('Residuals along beta', lacks(page.analysis, 'profiles') ?? 'This head has no residuals.');
  }
  const numbers = (name: string) => profiles!.list(name, row).filter(Number.isFinite);
  const noise = numbers('noise_ks_distance').sort((a, b) => a - b), shares = numbers('eigenvalues');
  return section('Residuals along beta',
    legend(page, ['residuals along beta', 'normal'].map((name, style) => ({ name, style, symbols: false }))),
    element('div', { class: 'pair' }, histogram(page, quantiles), quantileFigure(page, quantiles)),
    say('residuals', `It is ${exact(profiles!.number('ks_distance', row))} here.`, noise.length &&
      `Of ${noise.length} tested components across beta the distances are ${short(noise[0])} to ` +
      `${short(noise.at(-1)!)}, ${short(percentile(noise, 0.5))} in the middle.`, shares.length &&
      `The first axis of the residuals holds ${percent(shares[0])} of their variance, the first ` +
      `${shares.length} hold ${percent(shares.reduce((a, b) => a + b, 0))}.`));
}

export function driftFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page, title = 'Drift along beta';
  const rows = analysis.table('positions') ? drift(analysis, head) : [];
  if (rows.length === 0) return gap(title, lacks(analysis, 'positions') ?? 'There is no mean along beta.');
  const apart = rows.map(row => (row.documents < kFewDocuments ? 0
    : Math.abs(row.drift_mean - row.drift_line) / row.drift_sd || 0));
  const most = Math.max(...apart), worst = rows[apart.indexOf(most)];
  const x = rows.map(middle), column = (of: (row: Drift) => number) => rows.map(of);
  const series: Series[] = [
    { name: 'mean of the queries of a bucket, and one standard deviation', style: 0, x,
      y: column(row => row.drift_mean), thin: rows.map(row => row.documents < kFewDocuments),
      low: column(row => row.drift_mean - row.drift_sd), high: column(row => row.drift_mean + row.drift_sd),
      lines: i => driftLines(rows[i]) },
    { name: 'fitted line', style: 1, symbols: false, x, y: column(row => row.drift_line) }];
  return section(title, most > kApart && warning('The bucket means part from the fitted line: at ' +
      `${range(worst.position_from, worst.position_to)} by ${Number(most.toPrecision(2))} standard ` +
      `deviations of the queries there. ${sentences('parts from the line')}`), legend(page, series),
    curveFigure(page, 'Bucket means and the fitted line', series, () => rows.map(row => pick(row, 'q_bucket',
      'position_from', 'position_to', 'drift_mean', 'drift_sd', 'drift_line', 'queries', 'documents')),
    { zero: true, x: { log: isLog(analysis) && x[0] > 0 } }), say('drift'));
}

const driftLines = (row: Drift) => [range(row.position_from, row.position_to),
  `mean ${exact(row.drift_mean)}`, `deviation ${exact(row.drift_sd)}`, `line ${exact(row.drift_line)}`,
  count(row.queries, 'query', 'queries'), documentsText(row.documents)];

const pairLines = (pair: Pair) => [
  `pair ${pair.pair}: components ${pair.first_component} and ${pair.second_component}`,
  `wavelength ${short(pair.wavelength)} tokens`, `explained by position ${exact(pair.position_share)}`,
  `by a fixed vector that turns ${exact(pair.turn_share)}`, `by the line ${exact(pair.line_R2)}`,
  `share of the variance ${exact(pair.variance_share)}`];

export function spectrumFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page, title = 'Which wavelengths carry position';
  if (!analysis.table('rope_pairs') && analysis.table('components')) return components(page, head);
  const { pairs, still, stillVariance } = spectrum(analysis, head);
  const rest = stillVariance > 0 && `Components that RoPE does not turn hold ${percent(stillVariance)} of ` +
    `the variance; position explains ${percent(still)} of all variance through them.`;
  if (pairs.length === 0) {
    return gap(title, lacks(analysis, 'rope_pairs') ?? (rest || 'The tables have no pairs of this layer.'));
  }
  const x = pairs.map(pair => pair.wavelength);
  const line = (name: string, style: number, width: number, of: (pair: Pair) => number): Series =>
    ({ name, style, width, x, y: pairs.map(of), lines: i => pairLines(pairs[i]) });
  const series = [line('explained by position', 0, 1.8, pair => pair.position_share),
    line('by a fixed vector that RoPE turns', 2, 1.3, pair => pair.turn_share),
    line('by the straight line', 1, 1.3, pair => pair.line_R2)];
  const sum = { ...line('added up', 0, 1.8, pair => pair.cumulative),
    lines: (i: number) => [`up to a wavelength of ${short(x[i])} tokens`,
      `${exact(pairs[i].cumulative)} of the variance`, `this pair adds ${exact(pairs[i].added)}`] };
  const rows = () => pairs.map(pair => pick(pair, 'pair', 'first_component', 'second_component', 'wavelength',
    'variance_share', 'position_share', 'turn_share', 'line_R2', 'cumulative'));
  return section(title, legend(page, series), element('div', { class: 'pair' },
    curveFigure(page, 'Share explained, by RoPE pair', series, rows, { x: { log: true } }),
    curveFigure(page, 'Added up from short wavelengths on', [sum], rows, { x: { log: true } })),
  say('pairs', rest));
}

function components(page: Page, head: Head): HTMLElement {
  const rows = page.analysis.records('components', { component: NaN, component_r2: NaN }, head.key);
  const x = rows.map(row => row.component), y = rows.map(row => row.component_r2);
  return section('Which components carry position',
    curveFigure(page, 'R² of the line, by component', [{ name: 'R²', style: 0, x, y }], () => rows),
  remark(lacks(page.analysis, 'rope_pairs') ?? ''));
}
