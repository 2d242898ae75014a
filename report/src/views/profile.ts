// Is a head's "line plus normal noise" true, and which RoPE pairs carry position?

import { curve, curveFigure, filled, isLog, joined, say, sentences } from '../curves.ts';
import { element } from '../dom.ts';
import { gap, lacks, legend, remark, section, warning } from '../parts.ts';
import { kFewDocuments, percentile, type Head } from '../report.ts';
import { drift, pick, quantileBins, roomy, spectrum } from '../series.ts';
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

export function residuals(page: Page, head: Head): HTMLElement {
  const profiles = page.analysis.table('profiles'), row = page.analysis.rows('profiles', head.key)[0] ?? -1;
  const numbers = (name: string) => profiles?.list(name, row).filter(Number.isFinite) ?? [];
  const quantiles = numbers('residual_quantiles'), title = 'Residuals along beta';
  if (!quantiles.length) return gap(title, lacks(page.analysis, 'profiles') ?? 'This head has no residuals.');
  const noise = numbers('noise_ks_distance').sort((a, b) => a - b), shares = numbers('eigenvalues');
  return section(title,
    legend(page, ['residuals along beta', 'normal'].map((name, style) => ({ name, style, symbols: false }))),
    element('div', { class: 'pair' }, histogram(page, quantiles), quantileFigure(page, quantiles)),
    remark(joined(' ', filled(sentences('residuals'), { distance: profiles!.number('ks_distance', row) }),
      noise.length && filled(sentences('noise'), { tested: noise.length, least: noise[0], most: noise.at(-1)!,
        middle: percentile(noise, 0.5) }),
      shares.length && filled(sentences('axes'), { first: 100 * shares[0], axes: shares.length,
        all: 100 * shares.reduce((a, b) => a + b, 0) }))));
}

export function driftFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page, title = 'Drift along beta';
  const rows = analysis.table('positions') ? drift(analysis, head) : [];
  if (rows.length === 0) return gap(title, lacks(analysis, 'positions') ?? 'There is no mean along beta.');
  const apart = rows.map(row => (row.documents < kFewDocuments ? 0
    : Math.abs(row.drift_mean - row.drift_line) / row.drift_sd || 0));
  const most = Math.max(...apart);
  const worst = { ...rows[apart.indexOf(most)], most: Number(most.toPrecision(2)) };
  const name = 'mean of the queries of a bucket, and one standard deviation';
  const series = [curve('drift', rows, { name, style: 0 }),
    curve('drift', rows, { name: 'fitted line', style: 1, y: 'drift_line', symbols: false, low: undefined })];
  return section(title, most > kApart && warning(filled(sentences('parts from the line'), worst)),
    legend(page, series), curveFigure(page, 'Bucket means and the fitted line', series,
      () => rows.map(row => pick(row, 'q_bucket', 'position_from', 'position_to', 'drift_mean', 'drift_sd',
        'drift_line', 'queries', 'documents')),
    { zero: true, x: { log: isLog(analysis) && rows[0].position_from > 0 } }), say('drift'));
}

export function spectrumFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page, title = 'Which wavelengths carry position';
  if (!analysis.table('rope_pairs') && analysis.table('components')) return components(page, head);
  const { pairs, still, stillVariance } = spectrum(analysis, head);
  const shares = { variance: 100 * stillVariance, still: 100 * still };
  const rest = stillVariance > 0 && filled(sentences('still'), shares);
  if (pairs.length === 0) {
    return gap(title, lacks(analysis, 'rope_pairs') ?? (rest || 'The tables have no pairs of this layer.'));
  }
  const series = [curve('pair', pairs, { name: 'explained by position', style: 0 }),
    curve('pair', pairs, { name: 'by a fixed vector that RoPE turns', style: 2, y: 'turn_share' }),
    curve('pair', pairs, { name: 'by the straight line', style: 1, y: 'line_R2' })];
  const sum = curve('sum', pairs, { name: 'added up', style: 0 });
  const rows = () => pairs.map(({ bucket_R2, floor, added, ...row }) => row);
  return section(title, legend(page, series), element('div', { class: 'pair' },
    curveFigure(page, 'Share explained, by RoPE pair', series, rows, { x: { log: true } }),
    curveFigure(page, 'Added up from short wavelengths on', [sum], rows, { x: { log: true } })),
  say('pairs', rest));
}

function components(page: Page, head: Head): HTMLElement {
  const rows = page.analysis.records('components', { component: NaN, component_r2: NaN }, head.key);
  return section('Which components carry position', curveFigure(page, 'R² of the line, by component',
    [curve('component', rows, { name: 'R²', style: 0 })], () => rows),
  remark(lacks(page.analysis, 'rope_pairs') ?? ''));
}
