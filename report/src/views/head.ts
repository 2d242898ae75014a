// One head: its curves, its cells, its residuals, what carries position, its plane, its numbers.

import { chart, lines, type Series } from '../chart.ts';
import { fill, unit } from '../color.ts';
import { button, checkbox, element, table } from '../dom.ts';
import { latexEscape, latexNumber, offerText } from '../export.ts';
import { count, exact, grouped } from '../format.ts';
import { grid, gridPicture, type GridSpec } from '../grid.ts';
import { command, controls, gap, lacks, legend, methodChoice, methodOf, ramp, remark, section, warning, windowText } from '../parts.ts';
import { headName, kFewDocuments, kFiles, robustLimits, type Analysis, type Cell, type Head, type Point } from '../report.ts';
import { span } from '../series.ts';
import type { Page, View } from '../view.ts';
import { plane } from './plane.ts';
import { documentBars, isLog, pointSeries } from './positions.ts';
import { residuals, driftFigure, spectrumFigure } from './profile.ts';

interface Curve { analysis: Analysis; method: string; reach: string; points: Point[]; series: Series }

// By method; of both analyses, if there are two; then of the documents that reach a bucket.
function curves(page: Page): Curve[] {
  const { report, state } = page;
  const found: Curve[] = [];
  for (const reached of [false, true]) {
    report.analyses.forEach((analysis, run) => {
      if (run !== state.run && report.comparison?.matching === 'depth') return;  // another head
      const methods = analysis.methods.filter(name => run !== state.run || state.methods.includes(name));
      const table = analysis.table('positions'), reaches = new Set(analysis.rows('positions', state.head).map(row => table!.text('reach', row)));
      for (const reach of [...reaches].filter(text => (text !== '') === reached)) {
        for (const method of report.analyses.length > 1 || reached ? methods.slice(0, 1) : methods) {
          const points = analysis.positions(state.head, method, reach);
          const name = [report.analyses.length > 1 ? `${'AB'[run]} (${analysis.name})` : '', method || 'plasticity',
            reach ? `documents that reach bucket ${reach}` : ''].filter(Boolean).join(', ');
          if (points.length) {
            const series = pointSeries(name, found.length, points, reached ? 1.5 : 2.2);
            found.push({ analysis, method, reach, points, series: reached ? { ...series, low: undefined, high: undefined } : series });
          }
        }
      }
    });
  }
  return found;
}

function curveFigure(page: Page): HTMLElement {
  const { analysis, state } = page;
  const why = lacks(analysis, 'positions');
  if (why) return gap('Plasticity over position', why);
  const all = curves(page);
  const shown = all.map(each => each.series);
  const method = all.find(each => each.analysis === analysis)?.method ?? analysis.methods[0];
  const points = analysis.positions(state.head, method), log = isLog(analysis);
  const x = { label: 'position of the query (tokens)', log, domain: span(all.flatMap(each => each.points), log) };
  const two = page.report.analyses.length > 1;
  const boxes = analysis.methods.length < 2 || two ? [] : analysis.methods.map(name =>
    checkbox(`by-${name}`, name, state.methods.includes(name), on => {
      const methods = on ? [...state.methods, name] : state.methods.filter(other => other !== name);
      if (methods.length) page.go({ methods });
    }));
  return section('Plasticity over position', controls(...boxes),
    legend(page, shown.map(({ name, style, low: band }) => ({ name, style, symbols: true, band: !!band }))),
    chart(page, 'Curve', () => ({
      columns: [...(two ? ['analysis'] : []), 'method', 'reach', 'q_bucket', 'position_from', 'position_to', 'ap_mean',
        'ci_low', 'ci_high', 'documents', 'queries', 'pairs'],
      rows: all.flatMap(({ analysis: of, points: drawn, method: by, reach }) => drawn.map(p => [...(two ? [of.name] : []), by, reach,
        p.bucket, p.from, p.to, p.value, p.low, p.high, p.documents, p.queries, p.pairs])),
    }), width => lines(page, { label: `Plasticity of ${state.head} over the position of the query`, width, height: 280, x, y: { label: 'plasticity' } }, shown)),
    documentBars(page, 'Documents behind the curve', x, ['position_from', 'position_to', 'documents'], points.map(p => ({
      from: p.from, to: p.to + 1, documents: p.documents, row: [p.from, p.to, p.documents],
      lines: [`positions ${grouped(p.from)} to ${grouped(p.to)}`, count(p.queries, 'query', 'queries')] }))),
    remark(`Bands: intervals over documents. Dotted, with hollow symbols: fewer than ${kFewDocuments} documents; what is seen there may be one text.`));
}

const range = (from: number, to: number, bucket: number) => (Number.isNaN(from) ? `bucket ${bucket}` : `${grouped(from)} to ${grouped(to)}`);

function cellLines(cell: Cell): string[] {
  return [`queries ${range(cell.qFrom, cell.qTo, cell.q)}, keys ${range(cell.kFrom, cell.kTo, cell.k)}`,
    Number.isNaN(cell.value) ? 'no value: no pair to compare' : `plasticity ${exact(cell.value)}`,
    Number.isNaN(cell.low) ? (cell.note ? `no interval: ${cell.note}` : 'no interval') : `interval ${exact(cell.low)} to ${exact(cell.high)}`,
    Number.isNaN(cell.documents) ? '' : `${count(cell.documents, 'document')}, ${count(cell.pairs, 'pair')}, ${count(cell.queries, 'query', 'queries')}`];
}

function cellFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page;
  const method = methodOf(page);
  const cells = analysis.cells(head.key, method);
  if (cells.length === 0 && method !== analysis.methods[0] && !analysis.table('details')) {
    return section('Pairs of buckets', controls(methodChoice(page)), remark(`${kFiles.cells} has the cells of the method ` +
      `${analysis.methods[0]} alone. ${lacks(analysis, 'details')}`));
  }
  if (cells.length === 0) return gap('Pairs of buckets', lacks(analysis, 'cells') ?? 'This head has no pair of buckets.');
  const limits = robustLimits(cells.map(cell => cell.value), false);
  const byPlace = new Map(cells.map(cell => [`${cell.q} ${cell.k}`, cell]));
  const sorted = (buckets: number[]) => [...new Set(buckets)].sort((a, b) => a - b);
  const rows = sorted(cells.map(cell => cell.q)), columns = sorted(cells.flatMap(cell => [cell.q, cell.k]));
  const starts = new Map(cells.flatMap(cell => [[cell.k, cell.kFrom], [cell.q, cell.qFrom]] as [number, number][]));
  const name = (bucket: number) => { const from = starts.get(bucket) ?? NaN; return Number.isNaN(from) ? String(bucket) : grouped(from); };
  const spec: GridSpec = { id: 'cells', label: `Plasticity of ${headName(head)} by pair of buckets, ${method}`,
    rowTitle: 'queries from', columnTitle: 'keys from', rows: rows.map(name), columns: columns.map(name),
    cell: (row, column) => {
      const cell = byPlace.get(`${rows[row]} ${columns[column]}`);
      const place = `queries from ${name(rows[row])}, keys from ${name(columns[column])}`;
      if (!cell && (columns[column] >= rows[row] || Number.isNaN(head.window))) return null;
      if (!cell) return { label: `${place}: past the window`, color: page.dark ? '#2a2e35' : '#e4e7eb', lines: () => [place, `past the ${windowText(head)}`] };
      return { label: `${place}: ${exact(cell.value)}`, color: Number.isNaN(cell.value) ? null : fill(unit(cell.value, limits), page.dark),
        hatched: cell.documents < kFewDocuments, lines: () => cellLines(cell) };
    } };
  return section('Pairs of buckets', controls(methodChoice(page)), ramp(page, 'plasticity', limits),
    chart(page, 'Query buckets and key buckets', () => ({
      columns: ['method', 'q_bucket', 'k_bucket', 'q_from', 'q_to', 'k_from', 'k_to', 'ap_bucket', 'ci_low', 'ci_high', 'documents', 'pairs', 'queries', 'note'],
      rows: cells.map(c => [method, c.q, c.k, c.qFrom, c.qTo, c.kFrom, c.kTo, c.value, c.low, c.high, c.documents, c.pairs, c.queries, c.note]),
    }), width => grid(page, { ...spec, room: width }), () => gridPicture(spec)),
    remark(`Colours reach from the 2nd to the 98th percentile of this head's cells. Hatched: fewer than ${kFewDocuments} documents, or no value. ` +
      (Number.isNaN(head.window) ? '' : `Grey: past the ${windowText(head)}.`)));
}

function numbers(page: Page, head: Head): HTMLElement {
  const { metrics } = page.analysis;
  const rows = metrics.filter(metric => !Number.isNaN(metric.values[head.row])).map(metric => [metric.label, metric.id, metric.values[head.row],
    metric.low?.[head.row] ?? NaN, metric.high?.[head.row] ?? NaN, metric.unit]);
  return section('Numbers', element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Numbers of the head' },
    table(`All numbers of ${headName(head)}, as in the files`, ['metric', 'column', 'value', 'low', 'high', 'unit'], rows)));
}

function latex(page: Page, head: Head): string {
  const chosen = ['ap_overall', 'position_share', 'q_R2_pos', 'q_R2_scalar', 'q_beta_norm'].flatMap(id => page.analysis.metric(id) ?? []);
  const cells = chosen.map(({ values, low, high }) => latexNumber(values[head.row], low?.[head.row], high?.[head.row]));
  return `% head & ${chosen.map(metric => latexEscape(metric.id)).join(' & ')} \\\\\n${head.layer}.${head.q} & ${cells.join(' & ')} \\\\`;
}

function draw(root: HTMLElement, page: Page): ReturnType<View['render']> {
  const { analysis, state } = page;
  const head = analysis.head(state.head);
  if (!head) { root.append(element('p', { class: 'note' }, 'This analysis has no such head.')); return undefined; }
  const at = analysis.heads.indexOf(head);
  const step = (label: string, id: string, to: Head | undefined) =>
    button(label, () => to && page.go({ head: to.key }), { id, disabled: !to, 'aria-label': to ? `${label}: ${headName(to)}` : label });
  root.append(element('div', { class: 'head-line' }, element('strong', {}, headName(head)),
    step('Previous', 'previous', analysis.heads[at - 1]), step('Next', 'next', analysis.heads[at + 1]),
    button(state.pins.includes(head.key) ? 'Unpin' : 'Pin', () => page.go({ pins: state.pins.includes(head.key)
      ? state.pins.filter(key => key !== head.key) : [...state.pins, head.key].slice(-6) }), { id: 'pin' }),
    button('LaTeX row', () => offerText('LaTeX row', latex(page, head)))),
  remark([`Key head ${head.k}`, analysis.table('diagnostics') ? windowText(head) : '', Number.isNaN(head.documents) ? '' : count(head.documents, 'document'),
    `${grouped(analysis.table('heads')!.number('n_q_tokens', head.row))} queries`, `${grouped(analysis.table('heads')!.number('n_k_tokens', head.row))} keys`]
    .filter(Boolean).join(' · ')), ...analysis.warnings(head).map(warning));
  const points = plane(page, head);
  root.append(element('div', { class: 'pair' }, curveFigure(page), cellFigure(page, head), points.root, driftFigure(page, head)),
    residuals(page, head), spectrumFigure(page, head), numbers(page, head),
    command(`qkscope plot plasticity --bucket_csv head_bucket_plasticity.csv --layers ${head.layer} --heads ${head.q}`));
  return change => {
    if (Object.keys(change).some(name => name !== 'choice')) return false;
    points.fill();
    return true;
  };
}

export const head: View = { id: 'head', title: 'Head', unavailable: () => null, render: draw };
