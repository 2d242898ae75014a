// Two analyses: what differs between them, and what came out differently. Differences are B - A.

import { chart, lines, points } from '../chart.ts';
import { category, fill, unit } from '../color.ts';
import { button, element, select } from '../dom.ts';
import { count, exact, interval, short } from '../format.ts';
import { grid, gridPicture, type GridSpec } from '../grid.ts';
import { controls, gap, legend, ramp, remark, section, warning } from '../parts.ts';
import { headName, robustLimits, type Analysis, type Metric, type Report } from '../report.ts';
import { differences, quantilePairs, unsure, whatDiffer, type Difference } from '../series.ts';
import type { State } from '../state.ts';
import type { Page, View } from '../view.ts';
import { headMap } from './map.ts';
import { smallMap } from './overview.ts';

interface Sides { a: Analysis; b: Analysis; metric: Metric; other: Metric; limits: [number, number] }

const sideName = (sides: Sides, run: number) => `${'AB'[run]}: ${[sides.a, sides.b][run].name}`;

// Metrics that both analyses have; of compare.csv alone, where it is there.
function common(report: Report): Metric[] {
  const listed = new Set<string>();
  for (let row = 0; report.compare && row < report.compare.rows; ++row) listed.add(report.compare.text('metric', row));
  return report.analyses[0].metrics.filter(({ id }) => report.analyses[1].metric(id) && (listed.size === 0 || listed.has(id)));
}

function whatDiffers(report: Report): HTMLElement {
  const { several, settings, notes } = whatDiffer(report.comparison);
  const apart = notes ? remark(`Differs too, but decides no number by itself: ${notes}.`) : null;
  if (!several) {
    return element('div', {}, element('p', {}, settings ? `What differs: ${settings}.` : 'The records name nothing that differs.'), apart);
  }
  const line = warning('More than one thing differs, so no difference of numbers can be ascribed to one of them, ' +
    `and none is shown: ${settings}.`);
  line.classList.add('differs');
  return element('div', {}, line, apart);
}

// The page as it is for one of the two analyses.
const seen = (page: Page, sides: Sides, run: number): Page => Object.create(page, { analysis: { value: [sides.a, sides.b][run] },
  go: { value: (change: Partial<State>) => page.go({ ...change, run }) } });

function differenceLines(d: Difference): string[] {
  return [`layer ${d.layer}, head ${d.q}`, `A ${exact(d.a)}, B ${exact(d.b)}`, `difference ${exact(d.value)}`,
    Number.isNaN(d.low) ? (d.note ? `no interval: ${d.note}` : 'no interval') : `interval ${exact(d.low)} to ${exact(d.high)}`,
    Number.isNaN(d.p) ? '' : `p ${short(d.p)}, ${d.significant ? 'changed' : 'not surely changed'}`];
}

function differenceMap(page: Page, sides: Sides, rows: Difference[]): HTMLElement {
  const limits = robustLimits(rows.map(row => row.value), true), most = Math.max(...limits.map(Math.abs));
  const byKey = new Map(rows.map(row => [row.key, row])), base = headMap(seen(page, sides, 0), sides.metric, limits);
  const keyAt = (row: number, column: number) => `${base.rows[row]}.${base.columns[column]}`;
  const spec: GridSpec = { ...base, id: 'map-difference', label: `${sides.metric.label}, B \u2212 A`,
    open: (row, column, event) => page.open(keyAt(row, column), event),
    cell: (row, column) => {
      const d = byKey.get(keyAt(row, column));
      return d ? { label: `layer ${d.layer}, head ${d.q}: difference ${exact(d.value)}${unsure(d) ? ', not sure' : ''}`, key: d.key, hatched: unsure(d), lines: () => differenceLines(d),
        color: Number.isNaN(d.value) ? null : fill(unit(d.value, [-most, most]), page.dark, true) } : null;
    } };
  return element('div', {}, chart(page, spec.label, () => ({ columns: ['layer', 'q_head', 'a', 'b', 'difference', 'ci_low', 'ci_high', 'p_value', 'significant'],
    rows: rows.map(d => [d.layer, d.q, d.a, d.b, d.value, d.low, d.high, d.p, String(d.significant)]) }), width => grid(page, { ...spec, room: width }), () => gridPicture(spec)),
  ramp(page, 'B \u2212 A', [-most, most], { signed: true }), remark('Hatched: the interval holds 0, or there is none.'));
}

function scatter(page: Page, sides: Sides, rows: Difference[] | null): HTMLElement {
  const surely = new Map(rows?.map(row => [row.key, row]));
  const dots = sides.a.heads.flatMap(head => {
    const other = sides.b.head(head.key), x = sides.metric.values[head.row], y = other ? sides.other.values[other.row] : NaN, d = surely.get(head.key);
    return Number.isNaN(x - y) ? [] : [{ x, y, key: head.key, faint: d ? unsure(d) : false, symbol: d?.significant ? 3 : 0, color: category(d?.significant ? 1 : 0, page.dark),
      lines: d ? differenceLines(d) : [headName(head), `A ${exact(x)}`, `B ${exact(y)}`] }];
  });
  if (dots.length === 0) return remark('No head has this metric in both analyses.');
  const values = dots.flatMap(dot => [dot.x, dot.y]), room = 0.03 * (Math.max(...values) - Math.min(...values) || 1);
  const domain: [number, number] = [Math.min(...values) - room, Math.max(...values) + room];
  return element('div', {}, chart(page, `${sides.metric.label}, A against B`, () => ({ columns: ['head', 'a', 'b'], rows: dots.map(dot => [dot.key, dot.x, dot.y]) }),
    width => points(page, { label: 'Each head: its value in A across, in B upwards, with the diagonal of equal values', width, height: Math.min(480, Math.max(260, width)),
      x: { label: sideName(sides, 0), domain }, y: { label: sideName(sides, 1), domain } }, dots, { diagonal: true })),
  rows ? remark('Diamonds: changed, corrected for the number of heads. Hollow: the interval holds 0, or there is none.') : remark('On the line both are equal.'));
}

// Heads by the size of their difference, those that surely changed before the others.
function movers(page: Page, rows: Difference[]): HTMLElement {
  const { fdr = 0.05, confidence = 0.95 } = page.report.comparison ?? {};
  const tested = rows.filter(row => !Number.isNaN(row.p)), changed = rows.filter(row => row.significant), outside = tested.filter(row => !unsure(row) && row.value !== 0);
  const chance = Math.round(tested.length * (1 - confidence));
  const top = [...rows].filter(row => !Number.isNaN(row.value)).sort((x, y) => Number(y.significant) - Number(x.significant) || Math.abs(y.value) - Math.abs(x.value)).slice(0, 15);
  const columns = ['head', 'A', 'B', 'B \u2212 A', 'interval', 'p', 'changed'];
  if (rows.every(row => row.value === 0)) return section('Biggest changes', element('p', {}, `Nothing differs: the difference is 0 for each of the ${count(rows.length, 'head')}.`));
  return section('Biggest changes', tested.length === 0 ? remark('Without intervals it cannot be said which heads changed.') :
    element('p', {}, element('strong', {}, `${count(changed.length, 'head')} of ${tested.length} changed`), `, corrected for the number of heads (Benjamini-Hochberg: at most ${short(100 * fdr)} % of them are expected to be false). ` +
      `Without the correction ${count(outside.length, 'interval lies', 'intervals lie')} on one side of 0; chance alone would give about ${chance}.`),
  element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Biggest changes' }, element('table', { class: 'plain movers' },
    element('caption', {}, 'Heads that changed, then the others, by the size of the difference'), element('thead', {}, element('tr', {}, ...columns.map((name, i) => element('th', { scope: 'col', class: i ? 'number' : null }, name)))),
    element('tbody', {}, ...top.map(d => element('tr', {}, element('th', { scope: 'row' }, button(`${d.layer}.${d.q}`, (event: MouseEvent) => page.open(d.key, event), { id: `mover-${d.key}` })),
      ...[short(d.a), short(d.b), short(d.value), interval(d.low, d.high), short(d.p), d.significant ? 'yes' : 'no'].map(text => element('td', { class: 'number' }, text))))))));
}

// Where heads do not correspond: all heads by relative depth, and quantile against quantile.
function distributions(page: Page, sides: Sides): HTMLElement {
  const depth = (analysis: Analysis) => {
    const last = Number(analysis.record.dataset?.num_layers) - 1 || Math.max(...analysis.heads.map(head => head.layer));
    return (layer: number) => (last > 0 ? layer / last : 0);
  };
  const dots = [sides.a, sides.b].flatMap((analysis, run) => {
    const metric = [sides.metric, sides.other][run], at = depth(analysis);
    return analysis.heads.filter(head => !Number.isNaN(metric.values[head.row])).map(head => ({ x: at(head.layer) + (run - 0.5) * 0.01, y: metric.values[head.row], symbol: run, color: category(run, page.dark),
      lines: [`${'AB'[run]}, ${headName(head)}`, `depth ${short(at(head.layer))}`, `${metric.label} ${exact(metric.values[head.row])}`] }));
  });
  const pairs = quantilePairs(sides.metric.values, sides.other.values), all = pairs.flat();
  const domain: [number, number] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  return section('Distributions', legend(page, [0, 1].map(run => ({ name: sideName(sides, run), style: run, symbols: true }))), element('div', { class: 'pair' },
    chart(page, `${sides.metric.label} by relative depth`, () => ({ columns: ['run', 'depth', 'value'], rows: dots.map(dot => ['AB'[dot.symbol], dot.x, dot.y]) }),
      width => points(page, { label: `${sides.metric.label} of all heads by relative depth`, width, height: 300, x: { label: 'relative depth (0 first layer, 1 last)' }, y: { label: sides.metric.label } }, dots)),
    chart(page, 'Quantile against quantile', () => ({ columns: ['a', 'b'], rows: pairs }), width => lines(page, { label: 'Quantiles of A across, of B upwards', width, height: 300,
      x: { label: sideName(sides, 0), domain }, y: { label: sideName(sides, 1), domain } }, [
      { name: 'quantiles', style: 0, symbols: false, width: 2.5, x: pairs.map(pair => pair[0]), y: pairs.map(pair => pair[1]) },
      { name: 'equal', style: 6, symbols: false, width: 1, x: domain, y: domain }]))),
  remark('Heads of these two models do not correspond, so no head of A is compared with one of B.'));
}

function draw(root: HTMLElement, page: Page): void {
  const { report, state } = page;
  const [a, b] = report.analyses, { comparison } = report;
  const metrics = common(report), metric = metrics.find(each => each.id === state.metric) ?? metrics.find(each => each.id === 'ap_overall') ?? metrics[0];
  if (!metric) { root.append(gap('Nothing to compare', 'The two analyses have no metric in common.')); return; }
  const other = b.metric(metric.id)!;
  const sides: Sides = { a, b, metric, other, limits: robustLimits([...metric.values, ...other.values], metric.signed) };
  const { several } = whatDiffer(comparison), matched = comparison?.matching !== 'depth';
  const rows = matched && !several ? differences(report, metric.id) : [];
  root.append(whatDiffers(report), remark([`A: ${a.name}${comparison?.method_a ? ` (${comparison.method_a})` : ''}`, `B: ${b.name}${comparison?.method_b ? ` (${comparison.method_b})` : ''}`,
    comparison ? `errors of differences: ${comparison.errors}${comparison.reason ? ` (${comparison.reason})` : ''}` : ''].filter(Boolean).join(' \u00b7 ')),
  controls(select('metric', 'Metric', metrics.map(each => [each.id, each.label] as const), metric.id, value => page.go({ metric: value, limits: null }))));
  if (matched) {
    root.append(section('Maps', ramp(page, metric.label, sides.limits, { signed: metric.signed }), element('div', { class: 'maps-two' },
      ...[metric, other].map((each, run) => smallMap(seen(page, sides, run), { ...each, label: sideName(sides, run), limits: sides.limits })), rows.length ? differenceMap(page, sides, rows) : null)));
    root.append(element('div', { class: 'pair' }, section('Head by head', scatter(page, sides, rows.length ? rows : null)), rows.length ? movers(page, rows) : null));
    if (!rows.length && !several) {
      root.append(remark(report.compare || !comparison?.reason ? 'compare.csv has no differences of this metric.' : `No differences: ${comparison.reason}.`));
    }
  } else root.append(distributions(page, sides));
}

export const compare: View = {
  id: 'compare',
  title: 'Compare',
  unavailable: report => (report.analyses.length > 1 ? null : 'This page holds one analysis. The command that puts two beside each other: qkscope report A B'),
  render: draw,
};
