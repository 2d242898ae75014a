// Is a head's "line plus normal noise" true, and which RoPE pairs carry position?

import { chart, lines, type Series } from '../chart.ts';
import { exact, grouped, percent, short } from '../format.ts';
import { normalQuantile, level, quantileBins } from '../normal.ts';
import { gap, lacks, legend, remark, section, warning } from '../parts.ts';
import { kFewDocuments, percentile, type Head } from '../report.ts';
import { drift, spectrum } from '../series.ts';
import type { Page } from '../view.ts';
import { element } from '../dom.ts';
import { isLog } from './positions.ts';

const kApart = 0.5;  // deviations from the line that are worth a warning

export function residuals(page: Page, head: Head): HTMLElement {
  const profiles = page.analysis.table('profiles');
  const row = page.analysis.rows('profiles', head.key)[0];
  const quantiles = profiles && row !== undefined ? Array.from(profiles.list('residual_quantiles', row)) : [];
  const bins = quantileBins(quantiles, 0.25);
  if (bins.length === 0) return gap('Residuals along beta', lacks(page.analysis, 'profiles') ?? 'This head has no residuals.');
  const n = quantiles.length, normal = quantiles.map((_, i) => normalQuantile(level(i, n)));
  const distance = profiles!.number('ks_distance', row);
  const edges = bins.flatMap(bin => [bin.from, bin.to]), heights = bins.flatMap(bin => [bin.density, bin.density]);
  const grid = Array.from({ length: 81 }, (_, i) => -4 + i / 10);
  const histogram: Series[] = [
    { name: 'residuals', style: 0, symbols: false, x: edges, y: heights, low: edges.map(() => 0), high: heights,
      lines: i => [`${short(edges[i - i % 2])} to ${short(edges[i - i % 2 + 1])} deviations`, `density ${short(heights[i])}`] },
    { name: 'normal', style: 1, symbols: false, x: grid, y: grid.map(x => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI)) }];
  const most = Math.max(...[...quantiles, ...normal].map(Math.abs)) * 1.04;
  const qq: Series[] = [
    { name: 'quantiles', style: 0, width: 2.5, symbols: false, x: normal, y: quantiles,
      lines: i => [`level ${short(level(i, n))}`, `residual ${exact(quantiles[i])}`, `normal ${short(normal[i])}`] },
    { name: 'normal', style: 1, symbols: false, x: [-3, 3], y: [-3, 3], width: 1.2 }];
  return section('Residuals along beta', legend(page, [{ name: 'residuals along beta', style: 0 }, { name: 'normal', style: 1 }]),
    element('div', { class: 'pair' },
      chart(page, 'Histogram of residuals', () => ({ columns: ['from', 'to', 'density', 'normal'], rows: bins.map(b => [b.from, b.to, b.density, b.normal]) }),
        width => lines(page, { label: 'Histogram of standardised residuals beside the normal density', width, height: 240,
          x: { label: 'standard deviations' }, y: { label: 'density' } }, histogram)),
      chart(page, 'Residuals against normal', () => ({ columns: ['level', 'normal', 'residual'], rows: quantiles.map((q, i) => [level(i, n), normal[i], q]) }),
        width => lines(page, { label: 'Quantiles of standardised residuals against those of the normal distribution', width, height: 240,
          x: { label: 'normal quantile', domain: [-3, 3] }, y: { label: 'residual quantile', domain: [-most, most] } }, qq))),
    remark(`Kolmogorov-Smirnov distance ${exact(distance)}: the most by which the two distribution functions differ. It does not grow with the number of rows, as a p-value's smallness does. The histogram is made from ${n} quantiles. ${across(page, row)}`));
}

// The other components: how normal, and how unequal.
function across(page: Page, row: number): string {
  const profiles = page.analysis.table('profiles')!;
  const noise = Array.from(profiles.list('noise_ks_distance', row)).filter(Number.isFinite).sort((a, b) => a - b), shares = Array.from(profiles.list('eigenvalues', row)).filter(Number.isFinite);
  return [noise.length ? `Of ${noise.length} tested components across beta the distances are ${short(noise[0])} to ${short(noise.at(-1)!)}, ${short(percentile(noise, 0.5))} in the middle.` : '',
    shares.length ? `The first axis of the residuals holds ${percent(shares[0])} of their variance, the first ${shares.length} hold ${percent(shares.reduce((a, b) => a + b, 0))}.` : ''].join(' ');
}

export function driftFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page;
  const why = lacks(analysis, 'positions');
  if (why) return gap('Drift along beta', why);
  const rows = drift(analysis, head, analysis.positions(head.key, analysis.methods[0]));
  if (rows.length === 0) return gap('Drift along beta', 'This head has no mean along beta.');
  const middle = rows.map(row => row.middle);
  const series: Series[] = [
    { name: 'mean of the queries of a bucket, and one standard deviation', style: 0, x: middle, y: rows.map(row => row.mean),
      low: rows.map(row => row.mean - row.sd), high: rows.map(row => row.mean + row.sd), thin: rows.map(row => row.documents < kFewDocuments),
      lines: i => [`positions ${grouped(rows[i].from)} to ${grouped(rows[i].to)}`, `mean ${exact(rows[i].mean)}`, `deviation ${exact(rows[i].sd)}`,
        `line ${short(rows[i].line)}`, `${short(rows[i].queries)} queries${Number.isNaN(rows[i].documents) ? '' : `, ${rows[i].documents} documents`}`] },
    { name: 'fitted line', style: 1, symbols: false, x: middle, y: rows.map(row => row.line) }];
  const trusted = rows.filter(row => !(row.documents < kFewDocuments) && Number.isFinite(row.apart));
  const worst = [...trusted].sort((a, b) => Math.abs(b.apart) - Math.abs(a.apart))[0];
  return section('Drift along beta',
    worst && Math.abs(worst.apart) > kApart ? warning(`The bucket means part from the fitted line: at positions ${grouped(worst.from)} to ${grouped(worst.to)} by ` +
      `${short(Math.abs(Number(worst.apart.toPrecision(2))))} standard deviations of the queries there. What assumes the line (the method linear, q_R2_pos, the residuals below) is to be read with care.`) : '',
    legend(page, series.map(({ name, style, low }) => ({ name, style, symbols: !!low, band: !!low }))),
    chart(page, 'Bucket means and the fitted line', () => ({
      columns: ['bucket', 'from', 'to', 'drift_mean', 'drift_sd', 'line', 'queries', 'documents'],
      rows: rows.map(r => [r.bucket, r.from, r.to, r.mean, r.sd, r.line, r.queries, r.documents]),
    }), width => lines(page, { label: 'Mean of the queries along beta per bucket, beside the fitted line', width, height: 260, zero: true,
      x: { label: 'position of the query (tokens)', log: isLog(analysis) && middle[0] > 0 }, y: { label: 'along beta' } }, series)),
    remark('The line has the length of beta as its slope and passes through 0 at the mean position, which is taken from the middles of the buckets. The first bucket, which has no earlier keys, follows from the others: the mean over all queries is 0.'));
}

export function spectrumFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page;
  if (!analysis.table('rope_pairs') && analysis.table('components')) return components(page, head);
  const why = lacks(analysis, 'rope_pairs');
  if (why) return gap('Which wavelengths carry position', why);
  const { pairs, still, stillVariance } = spectrum(analysis, head);
  const sentence = stillVariance > 0 ? `Components that RoPE does not turn hold ${short(100 * stillVariance)} % of the variance; position explains ${short(100 * still)} % of all variance through them.` : '';
  if (pairs.length === 0) return gap('Which wavelengths carry position', sentence || 'This layer has no RoPE pairs in the tables.');
  const x = pairs.map(pair => pair.wavelength);
  const tip = (i: number) => { const p = pairs[i]; return [`pair ${p.pair}: components ${p.first} and ${p.second}`, `wavelength ${short(p.wavelength)} tokens`,
    `explained by position ${exact(p.share)}`, `by a fixed vector that turns ${exact(p.turn)}`, `by the line ${exact(p.line)}`, `share of the variance ${exact(p.variance)}`]; };
  const series: Series[] = [
    { name: 'explained by position', style: 0, x, y: pairs.map(pair => pair.share), lines: tip },
    { name: 'by a fixed vector that RoPE turns', style: 2, x, y: pairs.map(pair => pair.turn), width: 1.3, lines: tip },
    { name: 'by the straight line', style: 1, x, y: pairs.map(pair => pair.line), width: 1.3, lines: tip }];
  const axis = { label: 'wavelength of the RoPE pair (tokens)', log: true };
  const rows = () => ({ columns: ['pair', 'first_component', 'second_component', 'wavelength', 'variance_share', 'position_share', 'turn_share', 'line_R2', 'cumulative'],
    rows: pairs.map(p => [p.pair, p.first, p.second, p.wavelength, p.variance, p.share, p.turn, p.line, p.cumulative]) });
  return section('Which wavelengths carry position', legend(page, series.map(({ name, style }) => ({ name, style, symbols: true }))),
    element('div', { class: 'pair' },
      chart(page, 'Share explained, by RoPE pair', rows, width => lines(page, { label: 'Share of the variance of each RoPE pair that position explains, over its wavelength',
        width, height: 260, x: axis, y: { label: 'share of the pair' } }, series)),
      chart(page, 'Added up from short wavelengths on', rows, width => lines(page, { label: 'Share of all variance that position explains, added up from the shortest wavelength on',
        width, height: 260, x: axis, y: { label: 'share of all variance' } }, [{ name: 'added up', style: 0, x, y: pairs.map(pair => pair.cumulative), lines: i =>
          [`up to a wavelength of ${short(x[i])} tokens`, `${exact(pairs[i].cumulative)} of the variance`, `this pair adds ${exact(pairs[i].added)}`] }]))),
    remark('Of head_rope_pairs.csv. A pair adds variance_share (bucket_R2 - floor) / (1 - F), F being the sum of variance_share x floor; ' +
      `added up over all pairs and components, this is the head's position_share. ${sentence}`));
}

function components(page: Page, head: Head): HTMLElement {
  const table = page.analysis.table('components')!, rows = page.analysis.rows('components', head.key);
  const x = rows.map(row => table.number('component', row)), y = rows.map(row => table.number('component_r2', row));
  return section('Which components carry position', chart(page, 'R² of the line, by component', () => ({ columns: ['component', 'component_r2'], rows: x.map((at, i) => [at, y[i]]) }),
    width => lines(page, { label: 'R² of each component', width, height: 240, x: { label: 'component' }, y: { label: 'R²' } }, [{ name: 'R²', style: 0, x, y }])),
  remark(lacks(page.analysis, 'rope_pairs') ?? ''));
}
