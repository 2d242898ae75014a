// Two analyses: what differs between them, and what came out differently. Differences are B - A.

import { lineFigure, pointFigure } from '../chart.ts';
import { category } from '../color.ts';
import { intervalLine, say, sentences } from '../curves.ts';
import { button, element, scrolled } from '../dom.ts';
import { count, exact, interval, short } from '../format.ts';
import { gridFigure, type GridCell } from '../grid.ts';
import { chooseMetric, controls, gap, legend, ramp, remark, section } from '../parts.ts';
import { headName, robustLimits, type Analysis, type Metric, type Report } from '../report.ts';
import { extent, pick, quantilePairs, roomy } from '../series.ts';
import type { State } from '../state.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';
import { smallMap } from './overview.ts';

interface Side { analysis: Analysis; metric: Metric; name: string }
type Sides = [Side, Side];

const kDifference = { layer: NaN, q_head: NaN, metric: '', a: NaN, b: NaN, difference: NaN, ci_low: NaN, ci_high: NaN,
  p_value: NaN, significant: '', note: '' };
type Difference = typeof kDifference;

const keyOf = ({ layer, q_head }: Difference) => `${layer}.${q_head}`;
const changed = ({ significant }: Difference) => significant === 'true';

// The interval holds 0, or there is none. Where nothing at all differs, nothing is unsure.
export const unsure = (d: { ci_low: number; ci_high: number }): boolean =>
  !(d.ci_low > 0 || d.ci_high < 0) && !(d.ci_low === 0 && d.ci_high === 0);

// Metrics that both analyses have; of compare.csv alone, where it is there.
function common({ analyses, compare: table }: Report): Metric[] {
  const listed = new Set(table?.records({ metric: '' }).map(row => row.metric));
  return analyses[0].metrics.filter(({ id }) => analyses[1].metric(id) && (listed.size === 0 || listed.has(id)));
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
  const names = analyses.map(({ name }, run) => `${'AB'[run]}: ${name} (${[method_a, method_b][run] ?? ''})`);
  return [several ? element('p', { class: 'warning differs' }, `${sentences('several')} ${settings}.`)
    : element('p', {}, settings ? `What differs: ${settings}.` : 'The records name nothing that differs.'),
  ...(notes ? [remark(`Differs too, but decides no number by itself: ${notes}.`)] : []),
  remark([...names.map(name => name.replace(' ()', '')),
    errors ? `errors of differences: ${errors}${reason ? ` (${reason})` : ''}` : ''].filter(Boolean).join(' \u00b7 '))];
}

// The page as it is for one of the two analyses.
const seen = (page: Page, run: number): Page => Object.create(page, { analysis: { value: page.report.analyses[run] },
  go: { value: (change: Partial<State>) => page.go({ ...change, run }) } });

function differenceLines(d: Difference): string[] {
  return [`layer ${d.layer}, head ${d.q_head}`, `A ${exact(d.a)}, B ${exact(d.b)}`, `difference ${exact(d.difference)}`,
    intervalLine(d), Number.isNaN(d.p_value) ? '' : `p ${short(d.p_value)}, ${changed(d) ? 'changed' : 'not surely changed'}`];
}

function differenceMap(page: Page, { analysis, metric }: Side, rows: Difference[]): HTMLElement {
  const byKey = new Map(rows.map(row => [keyOf(row), row])), label = `${metric.label}, B \u2212 A`;
  const values = Float64Array.from(analysis.heads, head => byKey.get(head.key)?.difference ?? NaN);
  const most = Math.max(...robustLimits(values, true).map(Math.abs)), limits = [-most, most] as const;
  const base = headMap(seen(page, 0), { ...metric, signed: true, values }, limits);
  const cell = (row: number, column: number): GridCell | null => {
    const drawn = base.cell(row, column), d = byKey.get(drawn?.key ?? '');
    return drawn && d ? { ...drawn, hatched: unsure(d), lines: () => differenceLines(d), label:
      `layer ${d.layer}, head ${d.q_head}: difference ${exact(d.difference)}${unsure(d) ? ', not sure' : ''}` } : null;
  };
  return element('div', {}, gridFigure(page, label, { ...base, id: 'map-difference', label, cell }, () => rows.map(d =>
    pick(d, 'layer', 'q_head', 'a', 'b', 'difference', 'ci_low', 'ci_high', 'p_value', 'significant'))),
  ramp(page, 'B \u2212 A', limits, { signed: true }), say('hatched differences'));
}

function scatter(page: Page, [a, b]: Sides, rows: Difference[]): HTMLElement {
  const byKey = new Map(rows.map(row => [keyOf(row), row]));
  const dots = a.analysis.heads.flatMap(head => {
    const x = a.metric.values[head.row], y = b.metric.values[b.analysis.head(head.key)?.row ?? -1] ?? NaN, d = byKey.get(head.key);
    return Number.isNaN(x - y) ? [] : [{ x, y, key: head.key, faint: !!d && unsure(d), symbol: d && changed(d) ? 3 : 0,
      color: category(d && changed(d) ? 1 : 0, page.dark),
      lines: d ? differenceLines(d) : [headName(head), `A ${exact(x)}`, `B ${exact(y)}`] }];
  });
  if (dots.length === 0) return remark('No head has this metric in both analyses.');
  const domain = roomy(dots.flatMap(dot => [dot.x, dot.y]));
  return element('div', {}, pointFigure(page, `${a.metric.label}, A against B`, { height: [260, 1, 480],
    label: 'Each head: its value in A across, in B upwards, with the diagonal of equal values',
    x: { label: a.name, domain }, y: { label: b.name, domain } }, dots,
  () => dots.map(({ key, x, y }) => ({ head: key, a: x, b: y })), { diagonal: true }),
  rows.length ? say('changed') : remark('On the line both are equal.'));
}

// Heads by the size of their difference, those that surely changed before the others.
function movers(page: Page, rows: Difference[]): HTMLElement {
  const { fdr = 0.05, confidence = 0.95 } = page.report.comparison ?? {}, title = 'Biggest changes';
  if (rows.every(row => row.difference === 0)) {
    return section(title, element('p', {}, `Nothing differs: the difference is 0 for each of the ${count(rows.length, 'head')}.`));
  }
  const tested = rows.filter(row => !Number.isNaN(row.p_value)).length;
  const outside = rows.filter(row => !Number.isNaN(row.p_value) && !unsure(row) && row.difference !== 0).length;
  const top = rows.filter(row => !Number.isNaN(row.difference))
    .sort((x, y) => Number(changed(y)) - Number(changed(x)) || Math.abs(y.difference) - Math.abs(x.difference)).slice(0, 15);
  const cell = (tag: 'th' | 'td', text: string) => element(tag, { class: 'number', scope: tag === 'th' && 'col' }, text);
  return section(title, tested === 0 ? remark('Without intervals it cannot be said which heads changed.') : element('p', {},
    element('strong', {}, `${count(rows.filter(changed).length, 'head')} of ${tested} changed`),
    ', corrected for the number of heads (Benjamini-Hochberg: at most ' +
    `${short(100 * fdr)} % of them are expected to be false). Without the correction ` +
    `${count(outside, 'interval lies', 'intervals lie')} on one side of 0; chance alone would give about ` +
    `${Math.round(tested * (1 - confidence))}.`),
  scrolled(title, element('table', { class: 'plain movers' },
    element('caption', {}, 'Heads that changed, then the others, by the size of the difference'),
    element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'head'),
      ...['A', 'B', 'B \u2212 A', 'interval', 'p', 'changed'].map(name => cell('th', name)))),
    element('tbody', {}, ...top.map(d => element('tr', {}, element('th', { scope: 'row' },
      button(keyOf(d), (event: MouseEvent) => page.open(keyOf(d), event), { id: `mover-${keyOf(d)}` })),
    ...[short(d.a), short(d.b), short(d.difference), interval(d.ci_low, d.ci_high), short(d.p_value), changed(d) ? 'yes' : 'no']
      .map(text => cell('td', text))))))));
}

// Where heads do not correspond: all heads by relative depth, and quantile against quantile.
function distributions(page: Page, sides: Sides): HTMLElement {
  const [a, b] = sides, { label } = a.metric;
  const dots = sides.flatMap(({ analysis, metric }, run) => {
    const last = Number(analysis.record.dataset?.num_layers) - 1 || extent(analysis.heads.map(head => head.layer))[1];
    return analysis.heads.filter(head => !Number.isNaN(metric.values[head.row])).map(head => {
      const depth = last > 0 ? head.layer / last : 0, y = metric.values[head.row];
      return { x: depth + (run - 0.5) * 0.01, y, symbol: run, color: category(run, page.dark),
        lines: [`${'AB'[run]}, ${headName(head)}`, `depth ${short(depth)}`, `${label} ${exact(y)}`] };
    });
  });
  const pairs = quantilePairs(a.metric.values, b.metric.values), domain = roomy(pairs.flatMap(pair => [pair.a, pair.b]));
  return section('Distributions', legend(page, sides.map(({ name }, style) => ({ name, style, shape: style ? 'square' : 'circle' }))),
    element('div', { class: 'pair' },
      pointFigure(page, `${label} by relative depth`, { height: 300, label: `${label} of all heads by relative depth`,
        x: { label: 'relative depth (0 first layer, 1 last)' }, y: { label } }, dots,
      () => dots.map(dot => ({ run: 'AB'[dot.symbol], depth: dot.x, value: dot.y }))),
      lineFigure(page, 'Quantile against quantile', { height: 300, label: 'Quantiles of A across, of B upwards',
        x: { label: a.name, domain }, y: { label: b.name, domain } }, [
        { name: 'quantiles', style: 0, symbols: false, width: 2.5, x: pairs.map(pair => pair.a), y: pairs.map(pair => pair.b) },
        { name: 'equal', style: 6, symbols: false, width: 1, x: domain, y: domain }], () => pairs)),
    say('depth'));
}

function draw(root: HTMLElement, page: Page): void {
  const { report, state } = page, { comparison } = report;
  const metrics = common(report);
  const metric = metrics.find(({ id }) => id === state.metric) ?? metrics.find(({ id }) => id === 'ap_overall') ?? metrics[0];
  if (!metric) return root.append(gap('Nothing to compare', 'The two analyses have no metric in common.'));
  const sides = report.analyses.map((analysis, run) =>
    ({ analysis, metric: analysis.metric(metric.id)!, name: `${'AB'[run]}: ${analysis.name}` })) as Sides;
  const limits = robustLimits(sides.flatMap(side => Array.from(side.metric.values)), metric.signed);
  root.append(...settingsText(report), controls(chooseMetric(page, metrics, metric)));
  if (comparison?.matching === 'depth') return root.append(distributions(page, sides));
  const several = comparison?.several === true;
  const rows = several ? [] : (report.compare?.records(kDifference) ?? []).filter(row => row.metric === metric.id);
  root.append(section('Maps', ramp(page, metric.label, limits, metric), element('div', { class: 'maps-two' },
    ...sides.map((side, run) => smallMap(seen(page, run), { ...side.metric, label: side.name, limits })),
    rows.length ? differenceMap(page, sides[0], rows) : null)),
  element('div', { class: 'pair' }, section('Head by head', scatter(page, sides, rows)), rows.length ? movers(page, rows) : null));
  if (!rows.length && !several) {
    root.append(remark(report.compare || !comparison?.reason ? 'compare.csv has no differences of this metric.'
      : `No differences: ${comparison.reason}.`));
  }
}

export const compare: View = { id: 'compare', title: 'Compare', render: draw, unavailable: report =>
  (report.analyses.length > 1 ? null : 'This page holds one analysis. The command that puts two beside each other: ' +
    'qkscope report A B') };
