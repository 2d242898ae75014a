// Is a head's "line plus normal noise" true, and which RoPE pairs carry position?

import { lineFigure, type Series } from '../chart.ts';
import { isLog, middle, range, say, sentences } from '../curves.ts';
import { element } from '../dom.ts';
import { count, exact, percent, short } from '../format.ts';
import { gap, lacks, legend, remark, section, warning } from '../parts.ts';
import { kFewDocuments, percentile, type Head } from '../report.ts';
import { drift, pick, quantileBins, spectrum, type Pair } from '../series.ts';
import type { Page } from '../view.ts';

const kApart = 0.5;      // deviations from the line that are worth a warning
const kPerBin = 8;       // of the residual quantiles

const normalDensity = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

function histogram(page: Page, quantiles: number[]): HTMLElement {
  const bins = quantileBins(quantiles, kPerBin);
  const x = bins.flatMap(bin => [bin.from, bin.to]), y = bins.flatMap(bin => [bin.density, bin.density]);
  const grid = Array.from({ length: 81 }, (_, i) => -4 + i / 10);
  return lineFigure(page, 'Histogram of residuals', { height: 240, x: { label: 'standard deviations' },
    y: { label: 'density' }, label: 'Histogram of standardised residuals beside the normal density' }, [
    { name: 'residuals', style: 0, symbols: false, x, y, low: x.map(() => 0), high: y,
      lines: i => [`${short(x[i - i % 2])} to ${short(x[i - i % 2 + 1])} deviations`, `density ${short(y[i])}`] },
    { name: 'normal', style: 1, symbols: false, x: grid, y: grid.map(normalDensity) },
  ], () => bins.map(bin => ({ ...bin, normal: normalDensity((bin.from + bin.to) / 2) })));
}

function quantileFigure(page: Page, quantiles: number[]): HTMLElement {
  const normal = page.analysis.records('normal', { level: NaN, quantile: NaN });
  const x = normal.map(each => each.quantile);
  const most = Math.max(...[...quantiles, ...x].map(Math.abs)) * 1.04;
  return lineFigure(page, 'Residuals against normal', { height: 240, x: { label: 'normal quantile', domain: [-3, 3] },
    y: { label: 'residual quantile', domain: [-most, most] },
    label: 'Quantiles of standardised residuals against those of the normal distribution' }, [
    { name: 'quantiles', style: 0, width: 2.5, symbols: false, x, y: quantiles, lines: i =>
      [`level ${short(normal[i].level)}`, `residual ${exact(quantiles[i])}`, `normal ${short(x[i])}`] },
    { name: 'normal', style: 1, symbols: false, x: [-3, 3], y: [-3, 3], width: 1.2 },
  ], () => normal.map(({ level, quantile }, i) => ({ level, normal: quantile, residual: quantiles[i] })));
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
    legend(page, [{ name: 'residuals along beta', style: 0, symbols: false }, { name: 'normal', style: 1, symbols: false }]),
    element('div', { class: 'pair' }, histogram(page, quantiles), quantileFigure(page, quantiles)),
    say('residuals', `It is ${exact(profiles!.number('ks_distance', row))} here.`, noise.length &&
      `Of ${noise.length} tested components across beta the distances are ${short(noise[0])} to ` +
      `${short(noise.at(-1)!)}, ${short(percentile(noise, 0.5))} in the middle.`, shares.length &&
      `The first axis of the residuals holds ${percent(shares[0])} of their variance, the first ${shares.length} ` +
      `hold ${percent(shares.reduce((a, b) => a + b, 0))}.`));
}

export function driftFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page;
  const rows = analysis.table('positions') ? drift(analysis, head) : [];
  if (rows.length === 0) {
    return gap('Drift along beta', lacks(analysis, 'positions') ?? 'This head has no mean along beta.');
  }
  const x = rows.map(middle);
  const apart = rows.map(row => (row.documents < kFewDocuments ? NaN : (row.drift_mean - row.drift_line) / row.drift_sd));
  const worst = apart.reduce((most, value, i) => (Math.abs(value) > Math.abs(apart[most] || 0) ? i : most), 0);
  const series: Series[] = [
    { name: 'mean of the queries of a bucket, and one standard deviation', style: 0, x, y: rows.map(row => row.drift_mean),
      low: rows.map(row => row.drift_mean - row.drift_sd), high: rows.map(row => row.drift_mean + row.drift_sd),
      thin: rows.map(row => row.documents < kFewDocuments), lines: i => [range(rows[i].position_from, rows[i].position_to),
        `mean ${exact(rows[i].drift_mean)}`, `deviation ${exact(rows[i].drift_sd)}`, `line ${exact(rows[i].drift_line)}`,
        count(rows[i].queries, 'query', 'queries'), rows[i].documents ? count(rows[i].documents, 'document') : ''] },
    { name: 'fitted line', style: 1, symbols: false, x, y: rows.map(row => row.drift_line) }];
  return section('Drift along beta', Math.abs(apart[worst]) > kApart && warning('The bucket means part from the fitted ' +
      `line: at ${range(rows[worst].position_from, rows[worst].position_to)} by ` +
      `${Number(Math.abs(apart[worst]).toPrecision(2))} standard deviations of the queries there. ${sentences('parts from the line')}`),
    legend(page, series),
    lineFigure(page, 'Bucket means and the fitted line', { height: 260, zero: true, y: { label: 'along beta' },
      x: { label: 'position of the query (tokens)', log: isLog(analysis) && x[0] > 0 },
      label: 'Mean of the queries along beta per bucket, beside the fitted line' }, series,
    () => rows.map(row => pick(row, 'q_bucket', 'position_from', 'position_to', 'drift_mean', 'drift_sd', 'drift_line',
      'queries', 'documents'))),
    say('drift'));
}

const pairLines = (pair: Pair) => [`pair ${pair.pair}: components ${pair.first_component} and ${pair.second_component}`,
  `wavelength ${short(pair.wavelength)} tokens`, `explained by position ${exact(pair.position_share)}`,
  `by a fixed vector that turns ${exact(pair.turn_share)}`, `by the line ${exact(pair.line_R2)}`,
  `share of the variance ${exact(pair.variance_share)}`];

export function spectrumFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page;
  if (!analysis.table('rope_pairs') && analysis.table('components')) return components(page, head);
  const title = 'Which wavelengths carry position', { pairs, still, stillVariance } = spectrum(analysis, head);
  const sentence = stillVariance > 0 ? `Components that RoPE does not turn hold ${percent(stillVariance)} of the ` +
    `variance; position explains ${percent(still)} of all variance through them.` : '';
  if (pairs.length === 0) {
    return gap(title, lacks(analysis, 'rope_pairs') ?? (sentence || 'This layer has no RoPE pairs in the tables.'));
  }
  const x = pairs.map(pair => pair.wavelength);
  const of = (name: string, style: number, column: 'position_share' | 'turn_share' | 'line_R2', width?: number) =>
    ({ name, style, x, y: pairs.map(pair => pair[column]), width, lines: (i: number) => pairLines(pairs[i]) });
  const series = [of('explained by position', 0, 'position_share'), of('by a fixed vector that RoPE turns', 2, 'turn_share', 1.3),
    of('by the straight line', 1, 'line_R2', 1.3)];
  const axis = { label: 'wavelength of the RoPE pair (tokens)', log: true };
  const rows = () => pairs.map(pair => pick(pair, 'pair', 'first_component', 'second_component', 'wavelength',
    'variance_share', 'position_share', 'turn_share', 'line_R2', 'cumulative'));
  return section(title, legend(page, series), element('div', { class: 'pair' },
    lineFigure(page, 'Share explained, by RoPE pair', { height: 260, x: axis, y: { label: 'share of the pair' },
      label: 'Share of the variance of each RoPE pair that position explains, over its wavelength' }, series, rows),
    lineFigure(page, 'Added up from short wavelengths on', { height: 260, x: axis, y: { label: 'share of all variance' },
      label: 'Share of all variance that position explains, added up from the shortest wavelength on' }, [
      { name: 'added up', style: 0, x, y: pairs.map(pair => pair.cumulative), lines: i => [
        `up to a wavelength of ${short(x[i])} tokens`, `${exact(pairs[i].cumulative)} of the variance`,
        `this pair adds ${exact(pairs[i].added)}`] }], rows)),
  say('pairs', sentence));
}

function components(page: Page, head: Head): HTMLElement {
  const rows = page.analysis.records('components', { component: NaN, component_r2: NaN }, head.key);
  return section('Which components carry position', lineFigure(page, 'R² of the line, by component', { height: 240,
    label: 'R² of each component', x: { label: 'component' }, y: { label: 'R²' } },
  [{ name: 'R²', style: 0, x: rows.map(row => row.component), y: rows.map(row => row.component_r2) }], () => rows),
  remark(lacks(page.analysis, 'rope_pairs') ?? ''));
}
