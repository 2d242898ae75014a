// All heads as a list: filtered, sorted, with intervals.

import { button, element, select, svgElement, table } from '../dom.ts';
import { downloadCsv, fileName, type ChartTable } from '../export.ts';
import { compile, sorted } from '../filter.ts';
import { count, grouped, short } from '../format.ts';
import { list } from '../list.ts';
import { headLines, type Analysis, type Head, type Metric } from '../report.ts';
import type { State } from '../state.ts';
import type { Page, View } from '../view.ts';
import { metricOf, metricOptions } from './map.ts';

const kColumns = ['ap_overall', 'position_share', 'trend:position', 'turn_share', 'score_ks_distance', 'q_R2_pos',
  'q_R2_scalar', 'q_mae_ratio'];
const kWhisker = 150;  // pixels

function tableOf(analysis: Analysis, heads: readonly Head[]): ChartTable {
  const metrics = analysis.metrics.flatMap(metric => [[metric.id, metric.values] as const,
    ...(metric.low ? [[`${metric.id}:low`, metric.low] as const, [`${metric.id}:high`, metric.high!] as const] : [])]);
  return { columns: ['layer', 'q_head', 'k_head', ...metrics.map(([id]) => id), 'warning'],
    rows: heads.map(head => [head.layer, head.q, head.k, ...metrics.map(([, values]) => values[head.row]), analysis.warnings(head).join('; ')]) };
}

// The value of a head with its interval, on the axis of all heads.
function whisker(metric: Metric, head: Head, [low, high]: [number, number]): SVGSVGElement {
  const x = (value: number) => 4 + (kWhisker - 8) * Math.min(Math.max((value - low) / (high - low || 1), 0), 1);
  const picture = svgElement('svg', { width: kWhisker, height: 20, class: 'whisker', 'aria-hidden': 'true' },
    svgElement('line', { x1: 0, x2: kWhisker, y1: 17, y2: 17, class: 'axis' }));
  const from = metric.low?.[head.row] ?? NaN, to = metric.high?.[head.row] ?? NaN;
  if (!Number.isNaN(from + to)) picture.append(svgElement('line', { x1: x(from), x2: x(to), y1: 9, y2: 9, class: 'bar' }));
  const value = metric.values[head.row];
  if (!Number.isNaN(value)) picture.append(svgElement('circle', { cx: x(value), cy: 9, r: 3.5 }));
  return picture;
}

function extent(metric: Metric): [number, number] {
  const ends = [...metric.values, ...(metric.low ?? []), ...(metric.high ?? [])].filter(Number.isFinite);
  return ends.length ? [Math.min(...ends), Math.max(...ends)] : [0, 1];
}

const kHelp = [['ap<0.5', 'a metric and a limit (names may be shortened)'], ['layer:10-20,25', 'layers'], ['head:3', 'query heads'],
  ['key:1', 'key heads'], ['group:l3k1', 'the heads that share a key head'], ['window:yes', 'or a number of tokens'],
  ['warning:yes', 'or a word of the warning'], ['pinned:yes', ''], ['selected:yes', ''], ['l12h3', 'one head']];

function help(): HTMLElement {
  return element('details', {}, element('summary', {}, 'How to filter'),
    element('p', {}, 'All terms must hold; a minus negates one.'),
    element('ul', {}, ...kHelp.map(([term, text]) => element('li', {}, element('code', {}, term), ` ${text}`))));
}

const columnTitle = (text: string, kind: string | null = null) => element('div', { role: 'columnheader', class: kind }, text);

// The titles of the list; those of numbers sort it.
function titles(page: Page, metric: Metric, others: Metric[]): HTMLElement {
  const sorting = (id: string, text: string, title: string) =>
    element('div', { role: 'columnheader', 'data-sort': id, class: id === 'layer' ? null : 'number' },
      button(text, () => page.go({ sort: page.state.sort === `-${id}` ? id : `-${id}` }), { id: `sort-${id}`, title }));
  return element('div', { role: 'row', class: 'row' }, columnTitle('Pin'), sorting('layer', 'Head', 'By layer and head'),
    columnTitle('Key'), sorting('window', 'Window', 'By window'), sorting(metric.id, metric.label, metric.definition),
    columnTitle(metric.low ? 'with interval' : 'on one scale'), columnTitle('Rank', 'number'),
    ...others.map(other => sorting(other.id, other.label, other.definition)), columnTitle('Warning'));
}

function markOrder(header: HTMLElement, sort: string): void {
  for (const node of header.querySelectorAll<HTMLElement>('[data-sort]')) {
    const id = node.dataset.sort!;
    const order = sort === id ? 'ascending' : sort === `-${id}` ? 'descending' : null;
    if (order) node.setAttribute('aria-sort', order);
    else node.removeAttribute('aria-sort');
  }
}

// Draws the row of a head.
function rowDrawer(page: Page, metric: Metric, others: Metric[]): (head: Head) => HTMLElement {
  const { analysis } = page;
  const range = extent(metric);
  const rank = new Map(sorted(analysis.heads, analysis, `-${metric.id}`).map((head, i) => [head.row, i + 1]));
  const cell = (content: Node | string, kind = '') => element('div', { role: 'gridcell', class: kind || null }, content);
  return head => {
    const pinned = page.state.pins.includes(head.key);
    const value = metric.values[head.row];
    const pin = button(pinned ? '\u2605' : '\u2606', () => page.pin(head.key),
      { tabindex: -1, 'aria-pressed': String(pinned), 'aria-label': `Pin layer ${head.layer}, head ${head.q}` });
    return element('div', { role: 'row', class: 'row', 'data-head': head.key }, cell(pin),
      cell(`l${head.layer} h${head.q}`), cell(`k${head.k}`), cell(short(head.window), 'number'),
      cell(short(value), 'number'), cell(whisker(metric, head, range)),
      cell(Number.isNaN(value) ? '' : grouped(rank.get(head.row)!), 'number'),
      ...others.map(other => cell(short(other.values[head.row]), 'number')), cell(analysis.warnings(head).join('; '), 'text'));
  };
}

// The whole list, for paper.
function printed(page: Page, shown: Head[], metrics: Metric[]): HTMLElement {
  const { columns, rows } = tableOf(page.analysis, shown);
  const some = ['layer', 'q_head', 'k_head', ...metrics.flatMap(({ id }) => [id, `${id}:low`, `${id}:high`]), 'warning']
    .map(name => columns.indexOf(name)).filter(at => at >= 0);
  return table('Heads', some.map(at => columns[at]),
    rows.map(row => some.map(at => (typeof row[at] === 'number' ? short(row[at]) : row[at]))));
}

export const heads: View = {
  id: 'heads',
  title: 'Heads',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    const { analysis } = page;
    const metric = metricOf(page);
    const others = kColumns.map(id => analysis.metric(id)).filter(other => other && other !== metric).slice(0, 3) as Metric[];
    let shown: Head[] = [];
    const header = titles(page, metric, others);
    const draw = rowDrawer(page, metric, others);
    const rows = list({ id: 'heads', label: 'Heads', columns: 8 + others.length, rowHeight: 28, height: Math.max(320, innerHeight - 330),
      header, row: index => draw(shown[index]), open: (index, event) => page.open(shown[index].key, event),
      at: (index, node) => {
        const box = node.getBoundingClientRect();
        page.hover(shown[index].key);
        page.tip(headLines(analysis, shown[index], [metric, ...others]),
          { x: Math.min(box.left + 420, innerWidth - 300), y: box.bottom - 8 });
      } });
    rows.root.addEventListener('pointerleave', () => { page.tip(null); page.hover(null); });
    rows.root.addEventListener('focusout', () => page.tip(null));
    const filter = element('input', { id: 'filter', type: 'search', value: page.state.filter, spellcheck: false,
      autocomplete: 'off', placeholder: 'ap<0.5 R2>0.05 layer:10-20', 'aria-describedby': 'filter-said',
      oninput: () => page.go({ filter: filter.value }) });
    const said = element('p', { id: 'filter-said', class: 'note', role: 'status' });
    const apply = () => {
      const made = compile(page.state.filter, analysis, page.state);
      shown = sorted(analysis.heads.filter(made.test), analysis, page.state.sort);
      rows.show(shown.length);
      markOrder(header, page.state.sort);
      said.textContent = `${count(shown.length, 'head')} of ${grouped(analysis.heads.length)}. ${made.problem ?? ''}`.trim();
    };
    root.append(
      element('div', { class: 'controls' }, element('label', { class: 'field wide' }, element('span', {}, 'Filter'), filter),
        select('metric', 'Metric', metricOptions(analysis), metric.id,
          id => page.go({ metric: id, limits: null, sort: `-${id}` })),
        button('Select these', () => page.go({ selection: shown.map(head => head.key) }),
          { id: 'select', title: 'Other views fade the other heads' }),
        button('CSV', () => downloadCsv(fileName('qkscope', 'heads'), tableOf(analysis, shown)),
          { id: 'csv', 'aria-label': 'Save the heads shown as CSV' })),
      said, help());
    apply();
    root.append(page.printing ? printed(page, shown, [metric, ...others]) : rows.root);
    return (change: Partial<State>) => {
      if (!Object.keys(change).every(name => ['filter', 'sort', 'pins', 'selection', 'head'].includes(name))) return false;
      apply();
      return true;
    };
  },
};
