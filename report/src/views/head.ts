// One head: its curves, its cells, its residuals, what carries position, its plane, its numbers.

import { fill, unit } from '../color.ts';
import { curve, curveFigure, documentBars, ends as endsOf, joined, positionAxis, positions, say, sentences,
  tip } from '../curves.ts';
import { button, checkbox, element, scrolled, table } from '../dom.ts';
import { offerText } from '../export.ts';
import { count, exact, grouped } from '../format.ts';
import { gridFigure, type GridCell } from '../grid.ts';
import { command, controls, gap, lacks, legend, methodChoice, methodOf, needs, ramp, remark, section,
  warning, windowText } from '../parts.ts';
import { headName, kFewDocuments, kFiles, robustLimits, type Head } from '../report.ts';
import type { Page, View } from '../view.ts';
import { plane } from './plane.ts';
import { driftFigure, residuals, spectrumFigure } from './profile.ts';

// By method; of both analyses, if there are two; then of the documents that reach a bucket.
function curves({ report, state }: Page) {
  const two = report.analyses.length > 1;
  const all = report.analyses.flatMap((analysis, run) => {
    if (run !== state.run && report.comparison?.matching === 'depth') return [];  // another head
    const { methods } = analysis, first = methods.find(name => name === state.methods[0]) ?? methods[0];
    const chosen = two ? [first] : methods.filter(name => state.methods.includes(name));
    const reaches = analysis.distinct('positions', 'reach', state.head);
    return reaches.flatMap(reach => (reach ? [first] : chosen).map(method => ({
      name: joined(', ', two && `${'AB'[run]} (${analysis.name})`, method || 'plasticity',
        reach && `documents that reach bucket ${reach}`),
      run, analysis: analysis.name, method, reach,
      points: positions(analysis, state.head, method, reach) })));
  }).filter(each => each.points.length);
  return all.sort((a, b) => Number(!!a.reach) - Number(!!b.reach));
}

function positionFigure(page: Page): HTMLElement {
  const { analysis: { methods }, report, state } = page, title = 'Plasticity over position';
  const why = lacks(page.analysis, 'positions');
  if (why) return gap(title, why);
  const all = curves(page), two = report.analyses.length > 1;
  const series = all.map(({ name, reach, points }, style) => curve('point', points,
    reach ? { name, style, width: 1.5, low: undefined } : { name, style }));
  const main = all.find(each => each.run === state.run)?.points ?? [];
  const x = positionAxis(page.analysis, all.flatMap(each => endsOf(each.points)));
  const boxes = methods.length < 2 || two ? [] : methods.map(name =>
    checkbox(`by-${name}`, name, state.methods.includes(name), on => {
      const chosen = on ? [...state.methods, name] : state.methods.filter(other => other !== name);
      if (chosen.length) page.go({ methods: chosen });
    }));
  return section(title, controls(...boxes), legend(page, series),
    curveFigure(page, 'Curve', series, () => all.flatMap(({ analysis, method, reach, points }) =>
      points.map(point => ({ ...(two && { analysis }), method, reach, ...point }))), { x }),
    documentBars(page, 'point', 'Documents behind the curve', x, main, ['position_from', 'position_to'],
      point => ({ from: point.position_from, to: point.position_to + 1 })),
    say('head curve'));
}

const kCell = { q_bucket: NaN, k_bucket: NaN, q_from: NaN, q_to: NaN, k_from: NaN, k_to: NaN, ap_bucket: NaN,
  ci_low: NaN, ci_high: NaN, documents: NaN, pairs: NaN, queries: NaN, note: '' };

function cellFigure(page: Page, head: Head): HTMLElement {
  const { analysis } = page, title = 'Pairs of buckets', method = methodOf(page);
  const cells = analysis.records('details', kCell, head.key, { method });
  if (cells.length === 0) {
    // Without the file the table has the cells of the first method, from another one.
    const isOfOne = method !== analysis.methods[0] && analysis.lacksFile(kFiles.details);
    const why = isOfOne ? needs(analysis, 'details')
      : lacks(analysis, 'details') ?? 'This head has no pair of buckets by this method.';
    return section(title, controls(methodChoice(page)), remark(why));
  }
  const limits = robustLimits(cells.map(cell => cell.ap_bucket), false);
  const byPlace = new Map(cells.map(cell => [`${cell.q_bucket} ${cell.k_bucket}`, cell]));
  const starts = new Map<number, number>(), ends = new Map<number, number>();   // of buckets, in tokens
  for (const { q_bucket, q_from, q_to, k_bucket, k_from, k_to } of cells) {
    starts.set(k_bucket, k_from).set(q_bucket, q_from);
    ends.set(k_bucket, k_to).set(q_bucket, q_to);
  }
  const columns = [...starts.keys()].sort((a, b) => a - b);
  const rows = columns.filter(bucket => cells.some(cell => cell.q_bucket === bucket));
  const name = (bucket: number) => (starts.get(bucket)! >= 0 ? grouped(starts.get(bucket)!) : String(bucket));
  const drawn = (row: number, column: number): GridCell | null => {
    const cell = byPlace.get(`${rows[row]} ${columns[column]}`);
    const place = `queries from ${name(rows[row])}, keys from ${name(columns[column])}`;
    if (cell) {
      return { label: `${place}: ${exact(cell.ap_bucket)}`, hatched: cell.documents < kFewDocuments,
        color: Number.isNaN(cell.ap_bucket) ? null : fill(unit(cell.ap_bucket, limits), page.dark),
        lines: () => tip('cell', cell) };
    }
    const nearest = starts.get(rows[row])! - ends.get(columns[column])!;   // tokens
    if (columns[column] >= rows[row] || !(nearest >= head.window)) return null;
    return { label: `${place}: past the window`, color: page.dark ? '#2a2e35' : '#e4e7eb',
      lines: () => [place, `past the ${windowText(head)}`] };
  };
  return section(title, controls(methodChoice(page)), ramp(page, 'plasticity', limits),
    gridFigure(page, 'Query buckets and key buckets', { id: 'cells', cell: drawn,
      label: `Plasticity of ${headName(head)} by pair of buckets, ${method}`, rowTitle: 'queries from',
      columnTitle: 'keys from', rows: rows.map(name), columns: columns.map(name) },
    () => cells.map(cell => ({ method, ...cell }))),
    say('cells', cells.some(cell => cell.documents >= 0) ? sentences('few behind cells')
      : `${sentences('unknown behind cells')} ${lacks(analysis, 'details') ?? ''}`,
    !Number.isNaN(head.window) && `Grey: past the ${windowText(head)}.`));
}

function numbers({ analysis }: Page, head: Head): HTMLElement {
  const caption = `All numbers of ${headName(head)}, as in the files`;
  const rows = analysis.metrics.map(({ label, id, values, low, high, unit }) =>
    [label, id, values[head.row], low?.[head.row] ?? NaN, high?.[head.row] ?? NaN, unit]);
  return section('Numbers', scrolled('Numbers of the head', table(caption,
    ['metric', 'column', 'value', 'low', 'high', 'unit'], rows.filter(row => !Number.isNaN(row[2])))));
}

// The head, with the one before and the next, and what it was measured from.
function title(page: Page, head: Head): HTMLElement[] {
  const { analysis, state } = page, at = analysis.heads.indexOf(head), heads = analysis.table('heads')!;
  const step = (label: string, id: string, to: Head | undefined) =>
    button(label, () => to && page.go({ head: to.key }),
      { id, disabled: !to, 'aria-label': to ? `${label}: ${headName(to)}` : label });
  return [element('div', { class: 'head-line' }, element('strong', {}, headName(head)),
    step('Previous', 'previous', analysis.heads[at - 1]), step('Next', 'next', analysis.heads[at + 1]),
    button(state.pins.includes(head.key) ? 'Unpin' : 'Pin', () => page.pin(head.key), { id: 'pin' }),
    button('LaTeX row', () => offerText('LaTeX row', heads.text('latex', head.row)))),
  remark(joined(' · ', `Key head ${head.k}`, heads.numbers('window') && windowText(head),
    head.documents >= 0 && count(head.documents, 'document'),
    ...(['n_q_tokens', 'n_k_tokens'] as const).map((name, i) => {
      const rows = heads.number(name, head.row);
      return rows >= 0 && `${grouped(rows)} ${['queries', 'keys'][i]}`;
    }))),
  ...head.warnings.map(warning)];
}

function draw(root: HTMLElement, page: Page): ReturnType<View['render']> {
  const found = page.analysis.head(page.state.head);
  if (!found) return root.append(remark('This analysis has no such head.'));
  const points = plane(page, found);
  const first = [positionFigure(page), cellFigure(page, found), points.root, driftFigure(page, found)];
  root.append(...title(page, found), element('div', { class: 'pair' }, ...first), residuals(page, found),
    spectrumFigure(page, found), numbers(page, found),
    command(page, 'plasticity', `--layers ${found.layer} --heads ${found.q}`) ?? '');
  return change => {
    const isOfPlane = Object.keys(change).every(name => name === 'plane' || name === 'paint');
    if (isOfPlane) points.fill();
    return isOfPlane;
  };
}

export const head: View = { id: 'head', title: 'Head', render: draw };
