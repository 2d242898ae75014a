// Is a head's "line plus normal noise" true, and which RoPE pairs carry position?

import { curve, curveFigure, filled, isLog, joined, quantileBins, roomy, say,
  sentences } from '../curves.ts';
import { element } from '../dom.ts';
import { gap, lacks, legend, remark, section, warning } from '../parts.ts';
import { percentile, type Head } from '../report.ts';
import type { Page } from '../view.ts';

const kApart = 0.5;      // deviations from the line that are worth a warning
const kPerBin = 8;       // of the residual quantiles

const normalDensity = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

function histogram(page: Page, quantiles: number[]): HTMLElement {
  const bins = quantileBins(quantiles, kPerBin);
  const edges = bins.flatMap(bin => [bin.from, bin.to].map(x => ({ ...bin, x, zero: 0 })));
  const x = Array.from({ length: 81 }, (_, i) => -4 + i / 10);
  return curveFigure(page, 'Histogram of residuals', [
    curve('edge', edges, { name: 'residuals', style: 0, symbols: false }),
    { name: 'normal', style: 1, symbols: false, x, y: x.map(normalDensity) },
  ], () => bins.map(bin => ({ ...bin, normal: normalDensity((bin.from + bin.to) / 2) })));
}

function quantileFigure(page: Page, residuals: number[]): HTMLElement {
  const rows = page.analysis.records('normal', { level: NaN, normal: NaN })
    .map((row, i) => ({ ...row, residual: residuals[i] }));
  const [low, high] = roomy(rows.flatMap(row => [row.normal, row.residual])), most = Math.max(-low, high);
  return curveFigure(page, 'Residuals against normal', [
    curve('quantile', rows, { name: 'quantiles', style: 0, width: 2.5, symbols: false }),
    { name: 'normal', style: 1, symbols: false, x: [-3, 3], y: [-3, 3], width: 1.2 },
  ], () => rows, { x: { domain: [-3, 3] }, y: { domain: [-most, most] } });
}

export function residuals(page: Page, { key }: Head): HTMLElement {
  const { analysis } = page, title = 'Residuals along beta';
  const numbers = (name: string) => analysis.list('profiles', name, key).filter(Number.isFinite);
  const quantiles = numbers('residual_quantiles');
  if (!quantiles.length) return gap(title, lacks(analysis, 'profiles') ?? 'This head has no residuals.');
  const noise = numbers('noise_ks_distance').sort((a, b) => a - b), shares = numbers('eigenvalues');
  const words = { distance: numbers('ks_distance')[0], tested: noise.length, least: noise[0],
    most: noise.at(-1)!, middle: percentile(noise, 0.5), first: 100 * shares[0], axes: shares.length,
    all: 100 * shares.reduce((a, b) => a + b, 0) };
  return section(title,
    legend(page, ['residuals along beta', 'normal'].map((name, style) => ({ name, style, symbols: false }))),
    element('div', { class: 'pair' }, histogram(page, quantiles), quantileFigure(page, quantiles)),
    remark(joined(' ', filled(sentences('residuals'), words), filled(sentences('noise'), words),
      filled(sentences('axes'), words))));
}

const kDrift = { q_bucket: NaN, position_from: NaN, position_to: NaN, drift_mean: NaN, drift_sd: NaN,
  drift_line: NaN, queries: NaN, documents: NaN, drift_low: NaN, drift_high: NaN, apart: NaN };

export function driftFigure(page: Page, { key }: Head): HTMLElement {
  const { analysis } = page, title = 'Drift along beta', rows = analysis.records('drift', kDrift, key);
  if (!rows.length) return gap(title, lacks(analysis, 'positions') ?? 'There is no mean along beta.');
  const worst = rows.reduce((most, row) => (row.apart > most.apart ? row : most));
  const name = 'mean of the queries of a bucket, and one standard deviation';
  const series = [curve('drift', rows, { name, style: 0 }),
    curve('drift', rows, { name: 'fitted line', style: 1, y: 'drift_line', symbols: false, low: undefined })];
  return section(title, worst.apart > kApart && warning(filled(sentences('parts from the line'),
    { ...worst, most: Number(worst.apart.toPrecision(2)) })),
  legend(page, series), curveFigure(page, 'Bucket means and the fitted line', series,
    () => rows.map(({ drift_low, drift_high, apart, ...row }) => row),
    { zero: true, x: { log: isLog(analysis) && rows[0].position_from > 0 } }), say('drift'));
}

const kPair = { pair: NaN, first_component: NaN, second_component: NaN, wavelength: NaN, variance_share: NaN,
  position_share: NaN, turn_share: NaN, line_R2: NaN, cumulative: NaN, added: NaN };

export function spectrumFigure(page: Page, { key, row }: Head): HTMLElement {
  const { analysis } = page, heads = analysis.table('heads')!, title = 'Which wavelengths carry position';
  if (!analysis.table('rope_pairs') && analysis.table('components')) return components(page, key);
  const pairs = analysis.records('rope_pairs', kPair, key).filter(pair => pair.wavelength > 0)
    .sort((a, b) => a.wavelength - b.wavelength);
  const [variance, still] = ['still_variance', 'still'].map(name => 100 * heads.number(name, row));
  const rest = variance > 0 && filled(sentences('still'), { variance, still });
  if (!pairs.length) {
    return gap(title, lacks(analysis, 'rope_pairs') ?? (rest || 'The tables have no pairs of this layer.'));
  }
  const series = [curve('pair', pairs, { name: 'explained by position', style: 0 }),
    curve('pair', pairs, { name: 'by a fixed vector that RoPE turns', style: 2, y: 'turn_share' }),
    curve('pair', pairs, { name: 'by the straight line', style: 1, y: 'line_R2' })];
  const rows = () => pairs.map(({ added, ...pair }) => pair);
  return section(title, legend(page, series), element('div', { class: 'pair' },
    curveFigure(page, 'Share explained, by RoPE pair', series, rows, { x: { log: true } }),
    curveFigure(page, 'Added up from short wavelengths on',
      [curve('sum', pairs, { name: 'added up', style: 0 })], rows, { x: { log: true } })),
  say('pairs', rest));
}

function components(page: Page, key: string): HTMLElement {
  const rows = page.analysis.records('components', { component: NaN, component_r2: NaN }, key);
  return section('Which components carry position', curveFigure(page, 'R² of the line, by component',
    [curve('component', rows, { name: 'R²', style: 0 })], () => rows),
  remark(lacks(page.analysis, 'rope_pairs')!));
}
