// All heads as a list: filtered, sorted, with intervals.

import { button, element, svgElement, table, type Child } from '../dom.ts';
import { downloadCsv, fileName } from '../export.ts';
import { compile, sorted } from '../filter.ts';
import { count, grouped, short } from '../format.ts';
import help from '../help.json' with { type: 'json' };
import { list } from '../list.ts';
import { chooseMetric, controls } from '../parts.ts';
import { extent, headLines, headName, headRows, intervalOf } from '../report.ts';
import type { Head, Metric } from '../report.ts';
import type { Page, View } from '../view.ts';
import { metricOf, noMetric } from './map.ts';

const kColumns = ['ap_overall', 'position_share', 'trend:position', 'turn_share', 'score_ks_distance',
  'q_R2_pos', 'q_R2_scalar', 'q_mae_ratio'];
const kWhisker = 150;  // pixels

function rowsOf(heads: readonly Head[], metrics: readonly Metric[]) {
  return headRows(heads, metrics, true).map((row, i) =>
    ({ ...row, warning: heads[i].warnings.join('; ') }));
}

// The value of a head with its interval, on the axis of all heads.
function whisker(metric: Metric, head: Head, [low, high]: [number, number]): SVGSVGElement {
  const share = (value: number) => Math.min(Math.max((value - low) / (high - low || 1), 0), 1);
  const x = (value: number) => 4 + (kWhisker - 8) * share(value);
  const ends = intervalOf(metric, head), value = metric.values[head.row];
  return svgElement('svg', { width: kWhisker, height: 20, class: 'whisker', 'aria-hidden': 'true' },
    svgElement('line', { x1: 0, x2: kWhisker, y1: 17, y2: 17, class: 'axis' }),
    ends && svgElement('line', { x1: x(ends[0]), x2: x(ends[1]), y1: 9, y2: 9, class: 'bar' }),
    !Number.isNaN(value) && svgElement('circle', { cx: x(value), cy: 9, r: 3.5 }));
}

interface Column { title: string; cell(head: Head): Child; kind?: string; sort?: string; hint?: string }

function columnsOf(page: Page, metric: Metric, others: Metric[]): Column[] {
  const { analysis } = page;
  const range = extent([...metric.values, ...metric.low ?? [], ...metric.high ?? []]) ?? [0, 1];
  const rank = new Map<number, number>();   // of a value: the best of its places
  for (const [i, { row }] of sorted(analysis.heads, analysis, `-${metric.id}`).entries()) {
    if (!rank.has(metric.values[row])) rank.set(metric.values[row], i + 1);
  }
  const pin = (head: Head) => {
    const pinned = page.state.pins.includes(head.key);
    return button(pinned ? '\u2605' : '\u2606', () => page.pin(head.key),
      { tabindex: -1, 'aria-pressed': String(pinned), 'aria-label': `Pin ${headName(head)}` });
  };
  const numbers = ({ id, label, definition, values }: Metric): Column =>
    ({ sort: id, title: label, hint: definition, kind: 'number', cell: head => short(values[head.row]) });
  return [{ title: 'Pin', cell: pin },
    { sort: 'layer', title: 'Head', hint: 'By layer and head', cell: head => `l${head.layer} h${head.q}` },
    { title: 'Key', cell: head => `k${head.k}` },
    { sort: 'window', title: 'Window', hint: 'By window', kind: 'number', cell: head => short(head.window) },
    numbers(metric),
    { title: metric.low ? 'with interval' : 'on one scale', cell: head => whisker(metric, head, range) },
    { title: 'Rank', kind: 'number', cell: head =>
      (Number.isNaN(metric.values[head.row]) ? '' : short(rank.get(metric.values[head.row])!)) },
    ...others.map(numbers),
    { title: 'Warning', kind: 'text', cell: head => head.warnings.join('; ') }];
}

// The titles of the list; some of them sort it.
function titles(page: Page, columns: Column[]): HTMLElement {
  const { sort } = page.state;
  return element('div', { role: 'row', class: 'row' }, ...columns.map(({ sort: id, title, hint, kind }) => {
    const order = sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : id && 'none';
    const go = () => page.go({ sort: sort === `-${id}` ? id! : `-${id}` });
    return element('div', { role: 'columnheader', 'aria-sort': order, class: kind },
      id ? button(title, go, { id: `sort-${id}`, title: hint }) : title);
  }));
}

// The whole list, for paper.
function printed(shown: Head[], metrics: Metric[]): HTMLElement {
  const rows = rowsOf(shown, metrics);
  return table('Heads', Object.keys(rows[0] ?? {}), rows.map(row => Object.values(row).map(cell =>
    (typeof cell === 'number' ? short(cell) : cell))));
}

function draw(root: HTMLElement, page: Page): ReturnType<View['render']> {
  const { analysis } = page, metric = metricOf(page);
  const others = kColumns.filter(id => id !== metric.id).flatMap(id => analysis.metric(id) ?? []).slice(0, 3);
  let shown: Head[] = [];
  const columns = columnsOf(page, metric, others), header = titles(page, columns);
  const rows = list(page, { id: 'heads', label: 'Heads', columns: columns.length, rowHeight: 28, header,
    height: Math.max(320, innerHeight - 330),
    part: index => ({ key: shown[index].key,
      lines: () => headLines(analysis, shown[index], [metric, ...others]) }),
    row: index => element('div', { role: 'row', class: 'row', 'data-head': shown[index].key }, ...columns.map(
      ({ kind, cell }) => element('div', { role: 'gridcell', class: kind }, cell(shown[index])))) });
  const filter = element('input', { id: 'filter', type: 'search', value: page.state.filter, spellcheck: false,
    autocomplete: 'off', placeholder: 'ap<0.5 R2>0.05 layer:10-20', 'aria-describedby': 'filter-said',
    oninput: () => page.go({ filter: filter.value }) });
  const select = button('Select these', () => page.go({ selection: shown.map(head => head.key) }),
    { id: 'select', title: 'Other views fade the other heads' });
  const said = element('p', { id: 'filter-said', class: 'note', role: 'status' });
  const apply = () => {
    const { test, problem } = compile(page.state.filter, analysis, page.state);
    shown = sorted(analysis.heads.filter(test), analysis, page.state.sort);
    rows.show(shown.length);
    select.disabled = shown.length === 0;
    const heads = `${count(shown.length, 'head')} of ${grouped(analysis.heads.length)}.`;
    said.textContent = problem ? `${heads} ${problem}` : heads;
  };
  const save = () => downloadCsv(fileName('qkscope', 'heads'), rowsOf(shown, analysis.metrics));
  root.append(
    controls(element('label', { class: 'field wide' }, element('span', {}, 'Filter'), filter),
      chooseMetric(page, analysis.metrics, metric, id => ({ sort: `-${id}` })),
      select,
      button('CSV', save, { id: 'csv', 'aria-label': 'Save the heads shown as CSV' })),
    said, element('details', {}, element('summary', {}, 'How to filter'),
      element('p', {}, 'All terms must hold; a minus negates one.'), element('ul', {}, ...help.filter.map(
        ([term, text]) => element('li', {}, element('code', {}, term), ` ${text}`)))));
  apply();
  root.append(page.printing ? printed(shown, [metric, ...others]) : rows.root);
  return change => {
    const own = Object.keys(change).every(name => /^(filter|pins|selection|head)$/.test(name));
    if (own) apply();
    return own;
  };
}

export const heads: View =
  { id: 'heads', title: 'Heads', render: draw, unavailable: ({ analysis }) => noMetric(analysis) };
