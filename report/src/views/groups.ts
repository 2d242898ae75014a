// Query heads that share a key head: do they agree?

import { dots, figure, lines } from '../chart.ts';
import { category } from '../color.ts';
import { average, curve, curveFigure, groupedBy, isLog, positions, roomy, sentences,
  spread } from '../curves.ts';
import { button, element, scrolled, select, table } from '../dom.ts';
import { exact, short } from '../format.ts';
import { chooseMetric, controls, lacks, legend, methodOf, remark, section } from '../parts.ts';
import { headName, headRows, kFewDocuments, type Analysis, type Head, type Metric } from '../report.ts';
import type { Page, View } from '../view.ts';
import { noMetric } from './map.ts';

const ordered = (heads: Head[]) => [...groupedBy(heads, 'k').values()].flat();

// A chart for each key head of a layer.
function strips(page: Page, heads: Head[]): HTMLElement {
  const { analysis } = page, method = methodOf(page);
  const curves = new Map(heads.map(head => [head, positions(analysis, head.key, method)]));
  const all = [...curves.values()].flat();
  if (all.length === 0) return remark(lacks(analysis, 'positions') ?? 'These heads have no curves.');
  const domain = roomy(all.flatMap(point => [point.ci_low, point.ci_high, point.ap_mean]));
  return element('div', { class: 'three' }, ...[...groupedBy(heads, 'k')].map(([key, members]) => {
    const series = members.map((head, style) =>
      curve('point', curves.get(head)!, { name: `head ${head.q}`, style }));
    const rows = () => members.flatMap(head => curves.get(head)!.map(point =>
      ({ layer: head.layer, q_head: head.q, k_head: key, ...point })));
    return element('div', {}, legend(page, series), figure(page, `Key head ${key}`, { height: 220,
      x: { label: 'position (tokens)', log: isLog(analysis) }, y: { label: 'plasticity', domain },
      label: `Plasticity over position of the heads of key head ${key}` }, [lines(page, series)], rows));
  }));
}

// A head stands at its layer, beside those of its group.
function byLayer(page: Page, metric: Metric, layers: Map<number, Head[]>): HTMLElement {
  const { label, values } = metric;
  const spots = [...layers.values()].flatMap(heads => ordered(heads).map((head, i) => ({
    x: head.layer + (heads.length > 1 ? 0.6 * (i / (heads.length - 1) - 0.5) : 0), y: values[head.row],
    key: head.key, color: category(head.k, page.dark), symbol: Math.floor(head.k / 8),
    hollow: head.documents < kFewDocuments,
    lines: () => [headName(head), `key head ${head.k}`, `${label} ${exact(values[head.row])}`] })));
  return figure(page, `${label} by layer`, { height: 300, x: { label: 'layer' }, y: { label },
    label: `${label} of all heads by layer; shape and colour tell the key head` },
  [dots(spots.filter(spot => !Number.isNaN(spot.y)))], () => headRows(page.analysis.heads, [metric]));
}

function spreads(page: Page, metric: Metric, layers: Map<number, Head[]>): HTMLElement[] {
  const found = [...layers].map(([layer, heads]) => ({ layer, ...spread(heads, metric.values) }));
  const series = ['within', 'between'].map((y, style) => curve('spread', found,
    { style, y, name: `two heads of ${style ? 'different groups' : 'one group'}` }));
  const [within, between] = series.map(each => short(Number(average(Array.from(each.y)).toPrecision(3))));
  return [curveFigure(page, 'Spread within and between groups', series, () => found),
    legend(page, between ? series : series.slice(0, 1)),
    remark(`${metric.label}: two heads of a layer differ by ${within} on average if they share a key ` +
      `head${between && `, and by ${between} if they do not`}. ${sentences('spread')}`)];
}

function draw(root: HTMLElement, page: Page): void {
  const { analysis, state } = page;
  const layers = groupedBy(analysis.heads, 'layer'), numbers = [...layers.keys()];
  const layer = analysis.head(state.head)?.layer ?? numbers[0], at = numbers.indexOf(layer);
  const heads = layers.get(layer) ?? [], metric = analysis.metric(state.metric) ?? analysis.metrics[0];
  const go = (to: number) => page.go({ head: layers.get(to)![0].key });
  const rows = ordered(heads).map(({ k, q, row }) =>
    [k, q, metric.values[row], metric.low?.[row] ?? NaN, metric.high?.[row] ?? NaN]);
  const options = numbers.map(each => [String(each), String(each)] as const);
  root.append(
    controls(select('layer', 'Layer', options, String(layer), to => go(Number(to))),
      button('Previous layer', () => go(numbers[at - 1]), { id: 'before', disabled: at <= 0 }),
      button('Next layer', () => go(numbers[at + 1]), { id: 'after', disabled: at >= numbers.length - 1 }),
      chooseMetric(page, analysis.metrics, metric)),
    section(`Layer ${layer}: heads that share a key head`, strips(page, heads),
      scrolled('Metrics of the layer', table(`${metric.label} of layer ${layer}`,
        ['key head', 'head', 'value', 'low', 'high'], rows))),
    section('All layers', byLayer(page, metric, layers), ...spreads(page, metric, layers)));
}

const areShared = ({ heads }: Analysis) =>
  new Set(heads.map(({ layer, k }) => `${layer} ${k}`)).size < heads.length;

export const groups: View = { id: 'groups', title: 'Groups', render: draw,
  unavailable: ({ analysis }) => noMetric(analysis) ??
    (areShared(analysis) ? null : 'No query heads share a key head here: there are no groups.') };
