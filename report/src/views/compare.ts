// Two analyses: what differs between them, and what came out differently. Differences are B - A.

import { dots, figure } from '../chart.ts';
import { category } from '../color.ts';
import { curve, curveFigure, filled, quantilePairs, roomy, say, tip } from '../curves.ts';
import { button, element, scrolled, table } from '../dom.ts';
import { exact, interval, short } from '../format.ts';
import { gridFigure, type GridCell } from '../grid.ts';
import { chooseMetric, controls, gap, legend, ramp, remark, section } from '../parts.ts';
import { headName, robustLimits, type Analysis, type Metric } from '../report.ts';
import type { State } from '../state.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';
import { smallMap } from './overview.ts';

interface Side { analysis: Analysis; metric: Metric; name: string }

// Of compare.csv. unsure, 1: the interval holds 0, or there is none.
const kDifference = { layer: NaN, q_head: NaN, metric: '', a: NaN, b: NaN, difference: NaN, ci_low: NaN,
  ci_high: NaN, p_value: NaN, note: '', head: '', verdict: '', unsure: NaN };
type Difference = typeof kDifference;

// The page as it is for one of the two analyses.
const seen = (page: Page, run: number): Page => Object.create(page, {
  analysis: { value: page.report.analyses[run] },
  go: { value: (change: Partial<State>) => page.go({ ...change, run }) } });

function differenceMap(page: Page, { analysis, metric }: Side, found: Difference[]): HTMLElement {
  const byKey = new Map(found.map(row => [row.head, row])), label = `${metric.label}, B − A`;
  const values = Float64Array.from(analysis.heads, ({ key }) => byKey.get(key)?.difference ?? NaN);
  const most = Math.max(...robustLimits(values, true).map(Math.abs)), limits = [-most, most] as const;
  const base = headMap(seen(page, 0), { ...metric, signed: true, values }, limits);
  const cell = (row: number, column: number): GridCell | null => {
    const drawn = base.cell(row, column), d = byKey.get(drawn?.key ?? '');
    const label = 'layer {layer}, head {q_head}: difference {difference}';
    return drawn && d ? { ...drawn, hatched: d.unsure > 0, lines: () => tip('difference', d),
      label: filled(label, d) + (d.unsure ? ', not sure' : '') } : null;
  };
  return element('div', {}, gridFigure(page, label, { ...base, id: 'map-difference', label, cell },
    () => found.map(({ metric, head, unsure, ...row }) => row)),
  ramp(page, 'B − A', limits, { signed: true }), say('hatched differences'));
}

function scatter(page: Page, [a, b]: readonly Side[], found: Difference[]): HTMLElement {
  const byKey = new Map(found.map(row => [row.head, row]));
  const spots = a.analysis.heads.map(head => {
    const x = a.metric.values[head.row], y = b.metric.values[b.analysis.head(head.key)?.row ?? -1] ?? NaN;
    const d = byKey.get(head.key), style = d?.verdict === 'changed' ? 1 : 0;
    return { x, y, key: head.key, faint: !!d?.unsure, symbol: 3 * style, color: category(style, page.dark),
      lines: () => (d ? tip('difference', d) : [headName(head), `A ${exact(x)}`, `B ${exact(y)}`]) };
  }).filter(({ x, y }) => !Number.isNaN(x - y));
  if (spots.length === 0) return remark('No head has this metric in both analyses.');
  const domain = roomy(spots.flatMap(({ x, y }) => [x, y]));
  return element('div', {}, figure(page, `${a.metric.label}, A against B`, { height: [260, 1, 480],
    label: 'Each head: its value in A across, in B upwards, with the diagonal of equal values',
    diagonal: true, x: { label: a.name, domain }, y: { label: b.name, domain } }, [dots(spots)],
  () => spots.map(({ key, x, y }) => ({ head: key, a: x, b: y }))),
  found.length ? say('changed') : remark('On the line both are equal.'));
}

// Heads by the size of their difference, those that surely changed before the others.
function movers(page: Page, found: Difference[], [strong, rest]: string[]): HTMLElement {
  const title = 'Biggest changes', size = (row: Difference) => Math.abs(row.difference);
  const isChanged = (row: Difference) => Number(row.verdict === 'changed');
  const top = found.filter(row => size(row) >= 0)
    .sort((x, y) => isChanged(y) - isChanged(x) || size(y) - size(x)).slice(0, 15);
  const cells = (row: Difference) => [
    button(row.head, (event: MouseEvent) => page.open(row.head, event), { id: `mover-${row.head}` }),
    ...[row.a, row.b, row.difference].map(short), interval(row.ci_low, row.ci_high), short(row.p_value),
    row.verdict === 'not tested' ? 'not tested' : isChanged(row) ? 'yes' : 'no'];
  return section(title, element('p', {}, element('strong', {}, strong), rest),
    top.some(size) && scrolled(title, table('Those that changed, then the others, by size',
      ['head', 'A', 'B', 'B − A', 'interval', 'p', 'changed'], top.map(cells))));
}

// Where heads do not correspond: all heads by relative depth, and quantile against quantile.
function distributions(page: Page, sides: readonly Side[]): HTMLElement {
  const [a, b] = sides, { label } = a.metric;
  const spots = sides.flatMap(({ analysis, metric }, run) => {
    const layers = analysis.heads.map(head => head.layer);
    const last = Number(analysis.record.dataset?.num_layers) - 1 || Math.max(...layers);
    return analysis.heads.map(head => {
      const depth = last > 0 ? head.layer / last : 0, y = metric.values[head.row];
      return { x: depth + (run - 0.5) * 0.01, y, symbol: run, color: category(run, page.dark),
        lines: () => [`${'AB'[run]}, ${headName(head)}`, `depth ${short(depth)}`, `${label} ${exact(y)}`] };
    });
  }).filter(spot => !Number.isNaN(spot.y));
  const pairs = quantilePairs(a.metric.values, b.metric.values);
  const domain = roomy(pairs.flatMap(pair => [pair.a, pair.b]));
  return section('Distributions',
    legend(page, sides.map(({ name }, style) => ({ name, style, shape: ['circle', 'square'][style] }))),
    element('div', { class: 'pair' },
      figure(page, `${label} by relative depth`, { height: 300, label: `${label} by relative depth`,
        x: { label: 'relative depth (0 first layer, 1 last)' }, y: { label } }, [dots(spots)],
      () => spots.map(({ symbol, x, y }) => ({ run: 'AB'[symbol], depth: x, value: y }))),
      curveFigure(page, 'Quantile against quantile',
        [curve('sides', pairs, { name: 'quantiles', style: 0, symbols: false, width: 2.5 })], () => pairs,
        { diagonal: true, x: { label: a.name, domain }, y: { label: b.name, domain } })),
    say('depth'));
}

function draw(root: HTMLElement, page: Page): void {
  const { report, state } = page, { comparison } = report, [a, b] = report.analyses;
  // Those that both analyses have; of compare.csv alone, where it is there.
  const metrics = a.metrics.filter(({ id }) => b.metric(id) && (!report.compare || comparison.changes[id]));
  const named = (name: string) => metrics.find(({ id }) => id === name);
  const metric = named(state.metric) ?? named('ap_overall') ?? metrics[0];
  if (!metric) return root.append(gap('Nothing to compare', 'The two analyses have no metric in common.'));
  const sides = report.analyses.map((analysis, run) =>
    ({ analysis, metric: analysis.metric(metric.id)!, name: `${'AB'[run]}: ${analysis.name}` }));
  const limits = robustLimits(sides.flatMap(side => Array.from(side.metric.values)), metric.signed);
  root.append(element('p', { class: comparison.several && 'warning differs' }, comparison.what),
    ...comparison.remarks.map(remark), controls(chooseMetric(page, metrics, metric)));
  if (comparison.matching === 'depth') return root.append(distributions(page, sides));
  const found = (report.compare?.records(kDifference) ?? []).filter(row => row.metric === metric.id);
  root.append(section('Maps', ramp(page, metric.label, limits, metric), element('div', { class: 'maps-two' },
    ...sides.map((side, run) => smallMap(seen(page, run), { ...side.metric, label: side.name, limits })),
    found.length ? differenceMap(page, sides[0], found) : null)),
  element('div', { class: 'pair' }, section('Head by head', scatter(page, sides, found)),
    found.length ? movers(page, found, comparison.changes[metric.id]) : null));
  if (!found.length && !comparison.several) {
    root.append(remark(report.compare ? 'compare.csv has no differences of this metric.'
      : `No differences: ${comparison.reason}.`));
  }
}

export const compare: View = { id: 'compare', title: 'Compare', render: draw, unavailable: ({ report }) =>
  report.analyses.length > 1 ? null
    : 'This page holds one analysis. The command that puts two beside each other: qkscope report A B' };
