// Two analyses: what differs between them, and what came out differently. Differences are B - A.

import { pointFigure } from '../chart.ts';
import { category } from '../color.ts';
import { curve, curveFigure, filled, joined, say, sentences, tip } from '../curves.ts';
import { button, element, scrolled, table } from '../dom.ts';
import { count, exact, interval, short } from '../format.ts';
import { gridFigure, type GridCell } from '../grid.ts';
import { chooseMetric, controls, gap, legend, ramp, remark, section } from '../parts.ts';
import { headName, robustLimits, type Analysis, type Metric, type Report } from '../report.ts';
import { quantilePairs, roomy } from '../series.ts';
import type { State } from '../state.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';
import { smallMap } from './overview.ts';

interface Side { analysis: Analysis; metric: Metric; name: string }
type Sides = [Side, Side];

const kDifference = { layer: NaN, q_head: NaN, metric: '', a: NaN, b: NaN, difference: NaN, ci_low: NaN,
  ci_high: NaN, p_value: NaN, significant: '', note: '' };

interface Difference { key: string; changed: boolean; unsure: boolean; row: typeof kDifference }

// The interval holds 0, or there is none. Where nothing at all differs, nothing is unsure.
export const unsure = (row: { ci_low: number; ci_high: number }): boolean =>
  !(row.ci_low > 0 || row.ci_high < 0) && !(row.ci_low === 0 && row.ci_high === 0);

// Rows of compare.csv of a metric.
function differences({ compare: found }: Report, metric: string): Difference[] {
  return (found?.records(kDifference) ?? []).filter(row => row.metric === metric).map(row => ({ row,
    key: `${row.layer}.${row.q_head}`, changed: row.significant === 'true', unsure: unsure(row) }));
}

// Metrics that both analyses have; of compare.csv alone, where it is there.
function common({ analyses: [a, b], compare: found }: Report): Metric[] {
  const listed = found && new Set(found.records({ metric: '' }).map(row => row.metric));
  return a.metrics.filter(({ id }) => b.metric(id) && (!listed || listed.has(id)));
}

// The settings of which two analyses differ; `notes`: those that decide no number (folder, version).
export function whatDiffer(comparison: any, notes: boolean): string {
  const found: { what: string; group: string; a: unknown; b: unknown }[] = comparison?.differs ?? [];
  const value = (any: unknown) => (typeof any === 'string' ? any : JSON.stringify(any) ?? 'unknown');
  return found.filter(({ group }) => (group === 'notes') === notes)
    .map(({ what, a, b }) => `${what}: A ${value(a)}, B ${value(b)}`).join('; ');
}

function settingsText({ comparison, analyses }: Report): HTMLElement[] {
  const { several, errors, reason, method_a, method_b } = comparison ?? {};
  const [settings, notes] = [false, true].map(of => whatDiffer(comparison, of));
  const withMore = (text: string, more: string) => text + (more ? ` (${more})` : '');
  const names = analyses.map(({ name }, run) => withMore(`${'AB'[run]}: ${name}`, [method_a, method_b][run]));
  return [several ? element('p', { class: 'warning differs' }, `${sentences('several')} ${settings}.`)
    : element('p', {}, settings ? `What differs: ${settings}.` : 'The records name nothing that differs.'),
  ...(notes ? [remark(`Differs too, but decides no number by itself: ${notes}.`)] : []),
  remark(joined(' · ', ...names, errors && withMore(`errors of differences: ${errors}`, reason)))];
}

// The page as it is for one of the two analyses.
const seen = (page: Page, run: number): Page => Object.create(page, {
  analysis: { value: page.report.analyses[run] },
  go: { value: (change: Partial<State>) => page.go({ ...change, run }) } });

const differenceLines = ({ row, changed }: Difference) =>
  tip('difference', { ...row, verdict: changed ? 'changed' : 'not surely changed' });

function differenceMap(page: Page, { analysis, metric }: Side, found: Difference[]): HTMLElement {
  const byKey = new Map(found.map(each => [each.key, each])), label = `${metric.label}, B − A`;
  const values = Float64Array.from(analysis.heads, head => byKey.get(head.key)?.row.difference ?? NaN);
  const most = Math.max(...robustLimits(values, true).map(Math.abs)), limits = [-most, most] as const;
  const base = headMap(seen(page, 0), { ...metric, signed: true, values }, limits);
  const cell = (row: number, column: number): GridCell | null => {
    const drawn = base.cell(row, column), d = byKey.get(drawn?.key ?? '');
    const label = 'layer {layer}, head {q_head}: difference {difference}';
    return drawn && d ? { ...drawn, hatched: d.unsure, lines: () => differenceLines(d),
      label: filled(label, d.row) + (d.unsure ? ', not sure' : '') } : null;
  };
  return element('div', {}, gridFigure(page, label, { ...base, id: 'map-difference', label, cell },
    () => found.map(({ row: { metric, ...row } }) => row)),
  ramp(page, 'B − A', limits, { signed: true }), say('hatched differences'));
}

function scatter(page: Page, [a, b]: Sides, found: Difference[]): HTMLElement {
  const byKey = new Map(found.map(each => [each.key, each]));
  const dots = a.analysis.heads.map(head => {
    const x = a.metric.values[head.row], y = b.metric.values[b.analysis.head(head.key)?.row ?? -1] ?? NaN;
    const d = byKey.get(head.key), style = d?.changed ? 1 : 0;
    return { x, y, key: head.key, faint: d?.unsure, symbol: 3 * style, color: category(style, page.dark),
      lines: d ? differenceLines(d) : [headName(head), `A ${exact(x)}`, `B ${exact(y)}`] };
  }).filter(({ x, y }) => !Number.isNaN(x - y));
  if (dots.length === 0) return remark('No head has this metric in both analyses.');
  const domain = roomy(dots.flatMap(({ x, y }) => [x, y]));
  return element('div', {}, pointFigure(page, `${a.metric.label}, A against B`, { height: [260, 1, 480],
    label: 'Each head: its value in A across, in B upwards, with the diagonal of equal values',
    x: { label: a.name, domain }, y: { label: b.name, domain } }, dots,
  () => dots.map(({ key, x, y }) => ({ head: key, a: x, b: y })), { diagonal: true }),
  found.length ? say('changed') : remark('On the line both are equal.'));
}

// Heads by the size of their difference, those that surely changed before the others.
function movers(page: Page, found: Difference[]): HTMLElement {
  const { fdr = 0.05, confidence = 0.95 } = page.report.comparison ?? {}, title = 'Biggest changes';
  if (found.every(({ row }) => row.difference === 0)) {
    const text = `Nothing differs: the difference is 0 for each of the ${count(found.length, 'head')}.`;
    return section(title, element('p', {}, text));
  }
  const tested = found.filter(({ row }) => row.p_value >= 0), changed = found.filter(each => each.changed);
  const outside = tested.filter(each => !each.unsure && each.row.difference !== 0);
  const size = ({ row }: Difference) => Math.abs(row.difference);
  const top = found.filter(each => size(each) >= 0)
    .sort((x, y) => Number(y.changed) - Number(x.changed) || size(y) - size(x)).slice(0, 15);
  const cells = ({ key, row, changed }: Difference) => [
    button(key, (event: MouseEvent) => page.open(key, event), { id: `mover-${key}` }),
    ...[row.a, row.b, row.difference].map(short), interval(row.ci_low, row.ci_high), short(row.p_value),
    changed ? 'yes' : 'no'];
  return section(title, tested.length ? element('p', {},
    element('strong', {}, `${count(changed.length, 'head')} of ${tested.length} changed`),
    filled(sentences('corrected'), { rate: 100 * fdr, outside: outside.length,
      chance: Math.round(tested.length * (1 - confidence)) }))
    : remark('Without intervals it cannot be said which heads changed.'),
  scrolled(title, table('Heads that changed, then the others, by the size of the difference',
    ['head', 'A', 'B', 'B − A', 'interval', 'p', 'changed'], top.map(cells))));
}

// Where heads do not correspond: all heads by relative depth, and quantile against quantile.
function distributions(page: Page, sides: Sides): HTMLElement {
  const [a, b] = sides, { label } = a.metric;
  const dots = sides.flatMap(({ analysis, metric }, run) => {
    const layers = analysis.heads.map(head => head.layer);
    const last = Number(analysis.record.dataset?.num_layers) - 1 || Math.max(...layers);
    return analysis.heads.map(head => {
      const depth = last > 0 ? head.layer / last : 0, y = metric.values[head.row];
      return { x: depth + (run - 0.5) * 0.01, y, symbol: run, color: category(run, page.dark),
        lines: [`${'AB'[run]}, ${headName(head)}`, `depth ${short(depth)}`, `${label} ${exact(y)}`] };
    });
  }).filter(dot => !Number.isNaN(dot.y));
  const pairs = quantilePairs(a.metric.values, b.metric.values);
  const domain = roomy(pairs.flatMap(pair => [pair.a, pair.b]));
  return section('Distributions',
    legend(page, sides.map(({ name }, style) => ({ name, style, shape: ['circle', 'square'][style] }))),
    element('div', { class: 'pair' },
      pointFigure(page, `${label} by relative depth`, { height: 300, label: `${label} by relative depth`,
        x: { label: 'relative depth (0 first layer, 1 last)' }, y: { label } }, dots,
      () => dots.map(dot => ({ run: 'AB'[dot.symbol], depth: dot.x, value: dot.y }))),
      curveFigure(page, 'Quantile against quantile', [
        curve('sides', pairs, { name: 'quantiles', style: 0, symbols: false, width: 2.5 }),
        { name: 'equal', style: 6, symbols: false, width: 1, x: domain, y: domain }], () => pairs,
      { x: { label: a.name, domain }, y: { label: b.name, domain } })),
    say('depth'));
}

function draw(root: HTMLElement, page: Page): void {
  const { report, state } = page, { comparison } = report, metrics = common(report);
  const named = (name: string) => metrics.find(({ id }) => id === name);
  const metric = named(state.metric) ?? named('ap_overall') ?? metrics[0];
  if (!metric) return root.append(gap('Nothing to compare', 'The two analyses have no metric in common.'));
  const sides = report.analyses.map((analysis, run) =>
    ({ analysis, metric: analysis.metric(metric.id)!, name: `${'AB'[run]}: ${analysis.name}` })) as Sides;
  const limits = robustLimits(sides.flatMap(side => Array.from(side.metric.values)), metric.signed);
  root.append(...settingsText(report), controls(chooseMetric(page, metrics, metric)));
  if (comparison?.matching === 'depth') return root.append(distributions(page, sides));
  const found = comparison?.several === true ? [] : differences(report, metric.id);
  root.append(section('Maps', ramp(page, metric.label, limits, metric), element('div', { class: 'maps-two' },
    ...sides.map((side, run) => smallMap(seen(page, run), { ...side.metric, label: side.name, limits })),
    found.length ? differenceMap(page, sides[0], found) : null)),
  element('div', { class: 'pair' }, section('Head by head', scatter(page, sides, found)),
    found.length ? movers(page, found) : null));
  if (!found.length && comparison?.several !== true) {
    root.append(remark(!report.compare && comparison?.reason ? `No differences: ${comparison.reason}.`
      : 'compare.csv has no differences of this metric.'));
  }
}

export const compare: View = { id: 'compare', title: 'Compare', render: draw, unavailable: report =>
  report.analyses.length > 1 ? null
    : 'This page holds one analysis. The command that puts two beside each other: qkscope report A B' };
