// One head: its curves, its cells, its residuals, what carries position, its plane, its numbers.

import { lineFigure } from '../chart.ts';
import { fill, unit } from '../color.ts';
import { documentBars, ends, headCurve, intervalLine, positionAxis, range, say } from '../curves.ts';
import { button, checkbox, element, scrolled, table } from '../dom.ts';
import { latexEscape, latexNumber, offerText } from '../export.ts';
import { count, exact, grouped } from '../format.ts';
import { gridFigure, type GridCell } from '../grid.ts';
import { command, controls, gap, lacks, legend, methodChoice, methodOf, ramp, remark, section, warning, windowText } from '../parts.ts';
import { headName, kFewDocuments, kFiles, robustLimits, type Analysis, type Head } from '../report.ts';
import { cells as cellsOf, positions, type Cell, type Point } from '../series.ts';
import type { Page, View } from '../view.ts';
import { plane } from './plane.ts';
import { driftFigure, residuals, spectrumFigure } from './profile.ts';

interface Curve { analysis: Analysis; method: string; reach: string; name: string; points: Point[] }

// By method; of both analyses, if there are two; then of the documents that reach a bucket.
function curves({ report, state }: Page): Curve[] {
  const two = report.analyses.length > 1;
  const all = report.analyses.flatMap((analysis, run) => {
    if (run !== state.run && report.comparison?.matching === 'depth') return [];  // another head
    const methods = analysis.methods.filter(name => run !== state.run || state.methods.includes(name));
    const reaches = new Set(analysis.records('positions', { reach: '' }, state.head).map(row => row.reach));
    return [...reaches].flatMap(reach => (two || reach ? methods.slice(0, 1) : methods).map(method => ({
      analysis, method, reach, points: positions(analysis, state.head, method, reach),
      name: [two ? `${'AB'[run]} (${analysis.name})` : '', method || 'plasticity',
        reach ? `documents that reach bucket ${reach}` : ''].filter(Boolean).join(', ') })));
  });
  return all.filter(each => each.points.length).sort((a, b) => Number(a.reach !== '') - Number(b.reach !== ''));
}

function curveFigure(page: Page): HTMLElement {
  const { analysis, state } = page, title = 'Plasticity over position';
  const why = lacks(analysis, 'positions');
  if (why) return gap(title, why);
  const all = curves(page), two = page.report.analyses.length > 1;
  const series = all.map(({ name, reach, points }, i) => ({ ...headCurve(name, i, points),
    ...(reach ? { width: 1.5, low: undefined, high: undefined } : { width: 2.2 }) }));
  const main = all.find(each => each.analysis === analysis)?.points ?? [];
  const x = positionAxis(analysis, all.flatMap(each => ends(each.points)));
  const boxes = analysis.methods.length < 2 || two ? [] : analysis.methods.map(name =>
    checkbox(`by-${name}`, name, state.methods.includes(name), on => {
      const methods = on ? [...state.methods, name] : state.methods.filter(other => other !== name);
      if (methods.length) page.go({ methods });
    }));
  return section(title, controls(...boxes), legend(page, series),
    lineFigure(page, 'Curve', { height: 280, x, y: { label: 'plasticity' },
      label: `Plasticity of ${state.head} over the position of the query` }, series,
    () => all.flatMap(({ analysis: of, method, reach, points }) => points.map(point =>
      ({ ...(two && { analysis: of.name }), method, reach, ...point })))),
    documentBars(page, 'Documents behind the curve', x, main, ['position_from', 'position_to'], point => ({
      from: point.position_from, to: point.position_to + 1,
      lines: [range(point.position_from, point.position_to), count(point.queries, 'query', 'queries')] })),
    say('head curve'));
}

const bucketText = (from: number, to: number, bucket: number) =>
  (Number.isNaN(from) ? `bucket ${bucket}` : `${grouped(from)} to ${grouped(to)}`);

function cellLines(cell: Cell): string[] {
  return [`queries ${bucketText(cell.q_from, cell.q_to, cell.q_bucket)}, keys ${bucketText(cell.k_from, cell.k_to, cell.k_bucket)}`,
    Number.isNaN(cell.ap_bucket) ? 'no value: no pair to compare' : `plasticity ${exact(cell.ap_bucket)}`, intervalLine(cell),
    Number.isNaN(cell.documents) ? '' : [count(cell.documents, 'document'), count(cell.pairs, 'pair'),
      count(cell.queries, 'query', 'queries')].join(', ')];
}

function cellFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page, title = 'Pairs of buckets', method = methodOf(page);
  const cells = cellsOf(analysis, head.key, method);
  if (cells.length === 0 && method !== analysis.methods[0] && !analysis.table('details')) {
    return section(title, controls(methodChoice(page)), remark(`${kFiles.cells} has the cells of the method ` +
      `${analysis.methods[0]} alone. ${lacks(analysis, 'details')}`));
  }
  if (cells.length === 0) return gap(title, lacks(analysis, 'cells') ?? 'This head has no pair of buckets.');
  const limits = robustLimits(cells.map(cell => cell.ap_bucket), false);
  const byPlace = new Map(cells.map(cell => [`${cell.q_bucket} ${cell.k_bucket}`, cell]));
  const sorted = (buckets: number[]) => [...new Set(buckets)].sort((a, b) => a - b);
  const rows = sorted(cells.map(cell => cell.q_bucket));
  const columns = sorted(cells.flatMap(cell => [cell.q_bucket, cell.k_bucket]));
  const starts = new Map(cells.flatMap(cell => [[cell.k_bucket, cell.k_from], [cell.q_bucket, cell.q_from]] as const));
  const name = (bucket: number) => {
    const from = starts.get(bucket) ?? NaN;
    return Number.isNaN(from) ? String(bucket) : grouped(from);
  };
  const drawn = (row: number, column: number): GridCell | null => {
    const cell = byPlace.get(`${rows[row]} ${columns[column]}`);
    const place = `queries from ${name(rows[row])}, keys from ${name(columns[column])}`;
    if (!cell && (columns[column] >= rows[row] || Number.isNaN(head.window))) return null;
    if (!cell) {
      return { label: `${place}: past the window`, color: page.dark ? '#2a2e35' : '#e4e7eb',
        lines: () => [place, `past the ${windowText(head)}`] };
    }
    return { label: `${place}: ${exact(cell.ap_bucket)}`, hatched: cell.documents < kFewDocuments, lines: () => cellLines(cell),
      color: Number.isNaN(cell.ap_bucket) ? null : fill(unit(cell.ap_bucket, limits), page.dark) };
  };
  return section(title, controls(methodChoice(page)), ramp(page, 'plasticity', limits),
    gridFigure(page, 'Query buckets and key buckets', { id: 'cells', rowTitle: 'queries from', columnTitle: 'keys from',
      label: `Plasticity of ${headName(head)} by pair of buckets, ${method}`, rows: rows.map(name), columns: columns.map(name),
      cell: drawn }, () => cells.map(cell => ({ ...cell, method }))),
    say('cells', !Number.isNaN(head.window) && `Grey: past the ${windowText(head)}.`));
}

function numbers({ analysis }: Page, { row, ...head }: Head): HTMLElement {
  const rows = analysis.metrics.filter(({ values }) => !Number.isNaN(values[row])).map(({ label, id, values, low, high, unit }) =>
    [label, id, values[row], low?.[row] ?? NaN, high?.[row] ?? NaN, unit]);
  return section('Numbers', scrolled('Numbers of the head', table(`All numbers of layer ${head.layer}, head ${head.q}, as in the files`,
    ['metric', 'column', 'value', 'low', 'high', 'unit'], rows)));
}

function latex(page: Page, { layer, q, row }: Head): string {
  const chosen = ['ap_overall', 'position_share', 'q_R2_pos', 'q_R2_scalar', 'q_beta_norm'].flatMap(id => page.analysis.metric(id) ?? []);
  const cells = chosen.map(({ values, low, high }) => latexNumber(values[row], low?.[row], high?.[row]));
  return `% head & ${chosen.map(({ id }) => latexEscape(id)).join(' & ')} \\\\\n${layer}.${q} & ${cells.join(' & ')} \\\\`;
}

// The head, with the one before and the next, and what it was measured from.
function title(page: Page, head: Head): HTMLElement[] {
  const { analysis, state } = page, at = analysis.heads.indexOf(head), rows = analysis.table('heads')!;
  const step = (label: string, id: string, to: Head | undefined) => button(label, () => to && page.go({ head: to.key }),
    { id, disabled: !to, 'aria-label': to ? `${label}: ${headName(to)}` : label });
  return [element('div', { class: 'head-line' }, element('strong', {}, headName(head)),
    step('Previous', 'previous', analysis.heads[at - 1]), step('Next', 'next', analysis.heads[at + 1]),
    button(state.pins.includes(head.key) ? 'Unpin' : 'Pin', () => page.pin(head.key), { id: 'pin' }),
    button('LaTeX row', () => offerText('LaTeX row', latex(page, head)))),
  remark([`Key head ${head.k}`, analysis.table('diagnostics') ? windowText(head) : '',
    Number.isNaN(head.documents) ? '' : count(head.documents, 'document'),
    `${grouped(rows.number('n_q_tokens', head.row))} queries`, `${grouped(rows.number('n_k_tokens', head.row))} keys`]
    .filter(Boolean).join(' · ')), ...analysis.warnings(head).map(warning)];
}

export const head: View = {
  id: 'head',
  title: 'Head',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    const found = page.analysis.head(page.state.head);
    if (!found) return root.append(remark('This analysis has no such head.'));
    const points = plane(page, found);
    root.append(...title(page, found),
      element('div', { class: 'pair' }, curveFigure(page), cellFigure(page, found), points.root, driftFigure(page, found)),
      residuals(page, found), spectrumFigure(page, found), numbers(page, found),
      command(`qkscope plot plasticity --bucket_csv ${kFiles.cells} --layers ${found.layer} --heads ${found.q}`));
    return change => {
      if (Object.keys(change).some(name => name !== 'choice')) return false;
      points.fill();
      return true;
    };
  },
};
