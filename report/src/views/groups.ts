// Query heads that share a key head: do they agree?

import { chart, lines, points } from '../chart.ts';
import { category } from '../color.ts';
import { button, element, select, table } from '../dom.ts';
import { exact, short } from '../format.ts';
import { controls, legend, methodOf, remark, section } from '../parts.ts';
import { headName, type Analysis, type Head, type Report } from '../report.ts';
import { groupedBy, spread } from '../series.ts';
import type { Page, View } from '../view.ts';
import { domain, isLog, pointSeries } from './positions.ts';

const shares = (analysis: Analysis) => [...groupedBy(analysis.heads, 'layer').values()].some(heads => groupedBy(heads, 'k').size < heads.length);

function strips(page: Page, heads: Head[]): HTMLElement {
  const { analysis } = page;
  const method = methodOf(page);
  const curves = new Map(heads.map(head => [head.key, analysis.positions(head.key, method)]));
  const all = [...curves.values()].flat();
  if (all.length === 0) return element('p', { class: 'note' }, `The curves need head_positions.csv. The command that makes it: ${analysis.command('head_positions.csv')}`);
  const y = domain(all.flatMap(point => [point.low, point.high, point.value]).filter(Number.isFinite));
  const groups = [...groupedBy(heads, 'k')];
  return element('div', { class: 'three' }, ...groups.map(([key, members]) => element('div', {},
    legend(page, members.map((head, i) => ({ name: `head ${head.q}`, style: i, symbols: true, band: true }))),
    chart(page, `Key head ${key}`, () => ({ columns: ['layer', 'q_head', 'k_head', 'q_bucket', 'ap_mean', 'ci_low', 'ci_high', 'documents'],
      rows: members.flatMap(head => curves.get(head.key)!.map(p => [head.layer, head.q, key, p.bucket, p.value, p.low, p.high, p.documents])) }),
    width => lines(page, { label: `Plasticity over position of the heads of key head ${key}`, width, height: 220,
      x: { label: 'position (tokens)', log: isLog(analysis) }, y: { label: 'plasticity', domain: y } },
    members.map((head, i) => pointSeries(headName(head), i, curves.get(head.key)!, 1.8)))))));
}

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const layers = groupedBy(analysis.heads, 'layer');
  const numbers = [...layers.keys()];
  const layer = analysis.head(state.head)?.layer ?? numbers[0];
  const heads = layers.get(layer) ?? [];
  const metric = analysis.metric(state.metric) ?? analysis.metrics[0];
  const go = (to: number) => page.go({ head: layers.get(to)![0].key });
  const at = numbers.indexOf(layer);
  const spreads = numbers.map(number => ({ layer: number, ...spread(layers.get(number)!, metric.values) }));
  const mean = (of: 'within' | 'between') => {
    const known = spreads.map(each => each[of]).filter(Number.isFinite);
    return known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  root.append(controls(select('layer', 'Layer', numbers.map(number => [String(number), String(number)] as const), String(layer), value => go(Number(value))),
    button('Previous layer', () => go(numbers[at - 1]), { id: 'before', disabled: at <= 0 }), button('Next layer', () => go(numbers[at + 1]), { id: 'after', disabled: at >= numbers.length - 1 }),
    select('metric', 'Metric', analysis.metrics.map(each => [each.id, each.label] as const), metric.id, value => page.go({ metric: value, limits: null }))),
  section(`Layer ${layer}: heads that share a key head`, strips(page, heads),
    element('div', { class: 'scroll capped', tabindex: 0, role: 'region', 'aria-label': 'Metrics of the layer' },
      table(`${metric.label} of layer ${layer}`, ['key head', 'head', 'value', 'low', 'high'], [...groupedBy(heads, 'k')].flatMap(([key, members]) =>
        members.map(head => [key, head.q, metric.values[head.row], metric.low?.[head.row] ?? NaN, metric.high?.[head.row] ?? NaN]))))),
  section('All layers',
    chart(page, `${metric.label} by layer`, () => ({ columns: ['layer', 'q_head', 'k_head', metric.id], rows: analysis.heads.map(head => [head.layer, head.q, head.k, metric.values[head.row]]) }),
      width => points(page, { label: `${metric.label} of all heads by layer; shape and colour tell the key head`, width, height: 300, x: { label: 'layer' }, y: { label: metric.label } },
        analysis.heads.filter(head => !Number.isNaN(metric.values[head.row])).map(head => ({ x: head.layer + 0.6 * (place(layers.get(head.layer)!, head) - 0.5), y: metric.values[head.row],
          color: category(head.k, page.dark), symbol: Math.floor(head.k / 8), key: head.key, lines: [headName(head), `key head ${head.k}`, `${metric.label} ${exact(metric.values[head.row])}`] })))),
    chart(page, 'Spread within and between groups', () => ({ columns: ['layer', 'within', 'between'], rows: spreads.map(each => [each.layer, each.within, each.between]) }),
      width => lines(page, { label: 'Mean absolute difference of two heads of a layer, within and between groups', width, height: 240, x: { label: 'layer' }, y: { label: 'mean difference' } },
        (['within', 'between'] as const).map((of, i) => ({ name: of === 'within' ? 'two heads of one group' : 'two heads of different groups', style: i,
          x: numbers, y: spreads.map(each => each[of]) })))),
    legend(page, [{ name: 'two heads of one group', style: 0, symbols: true }, { name: 'two heads of different groups', style: 1, symbols: true }]),
    remark(`${metric.label}: two heads of a layer differ by ${short(Number(mean('within').toPrecision(3)))} on average if they share a key head, and by ${short(Number(mean('between').toPrecision(3)))} if they do not. ` +
      'These means over pairs of heads are the page\u2019s own; they have no interval.')));
}

// Where a head stands among those of its layer, 0 to 1, groups beside each other.
function place(heads: Head[], head: Head): number {
  const sorted = [...heads].sort((a, b) => a.k - b.k || a.q - b.q);
  return sorted.length > 1 ? sorted.indexOf(head) / (sorted.length - 1) : 0.5;
}

export const groups: View = {
  id: 'groups',
  title: 'Groups',
  unavailable: (report: Report) => (report.analyses.some(shares) ? null : 'No query heads share a key head in this model, so there are no groups.'),
  render: draw,
};
