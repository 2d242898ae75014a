// Queries and keys of a head in a plane, on a canvas: a point for each of the sampled rows.

import { chart, drawCharts, points } from '../chart.ts';
import { category, ink, unit } from '../color.ts';
import type { Container, Table } from '../data.ts';
import { element, select } from '../dom.ts';
import { count, grouped, percent, short } from '../format.ts';
import { controls, gap, lacks, legend, ramp, remark, section } from '../parts.ts';
import { drawPoints, hitGrid, nearest, squareLimits } from '../points.ts';
import { headName, percentile, type Head } from '../report.ts';
import type { Page } from '../view.ts';

export interface Cloud {  // queries first, then keys
  x: Float64Array; y: Float64Array;
  queries: number;        // points before this one are queries
  position: Float64Array; document: Float64Array; bucket: Float64Array;
  token: string[];        // empty if the page has none
}

const kAxes: Record<string, [string, string]> = {
  beta: ['along beta', 'first axis of the residuals across beta'],
  joint: ['first joint axis', 'second joint axis'],
  rope: ['first component of the RoPE pair', 'second component'],
};

const kWidest = 900;  // pixels
// The points of a head in a plane; null: there are none. `rows` says what each of them is.
export function cloud(table: Table, rows: Table | null, row: number, plane: string): Cloud | null {
  const scale = table.number(`scale_${plane}`, row);
  if (!(scale > 0)) return null;
  const xy = ['q', 'k'].map(kind => table.list(`${kind}_${plane}`, row)), meta = ['q', 'k'].map(kind => table.number(`${kind}_rows`, row));
  const sizes = [0, 1].map(kind => Math.min(xy[kind].length / 2, rows?.number('count', meta[kind]) || Infinity));
  const both = (value: (kind: number, i: number) => number) =>
    Float64Array.from([0, 1].flatMap(kind => Array.from({ length: sizes[kind] }, (_, i) => value(kind, i))));
  const column = (name: string) => both((kind, i) => rows?.number(name, meta[kind], i) ?? NaN);
  const tokens = rows?.columns.get('token');
  return { x: both((kind, i) => xy[kind][2 * i] * scale), y: both((kind, i) => xy[kind][2 * i + 1] * scale), queries: sizes[0],
    position: column('position'), document: column('document'), bucket: column('bucket'),
    token: tokens?.strings ? Array.from(both((kind, i) => tokens.values[meta[kind] * tokens.width + i]), at => tokens.strings![at] ?? '') : [] };
}

interface Paint { color(i: number): string; key: HTMLElement }

// Shapes tell queries from keys; their colours do so as well if nothing else has the colours.
const shapes = (page: Page, style: number) => legend(page, [{ name: 'queries', style: style === 1 ? 0 : 6, symbols: true, shape: 'square' },
  { name: 'keys', style: style === 1 ? 1 : 6, symbols: true, shape: 'plus' }]);

function paint(page: Page, data: Cloud): Paint {
  const kind = page.state.choice.paint;
  if (kind === 'position' || kind === 'bucket') {
    const values = kind === 'position' ? data.position : data.bucket;
    const sorted = values.filter(Number.isFinite).sort();
    const limits: [number, number] = [sorted[0] ?? 0, Math.max(percentile(sorted, 1) || 1, (sorted[0] ?? 0) + 1)];
    // 32 steps, so that few colours are set
    const steps = Array.from({ length: 33 }, (_, i) => ink(i / 32, page.dark));
    return { color: i => steps[Math.round(32 * unit(values[i], limits))] ?? steps[0], key: element('div', {}, shapes(page, 0), ramp(page, kind, limits, { points: true })) };
  }
  if (kind === 'document') {
    const size = new Map<number, number>();
    for (const document of data.document) if (Number.isFinite(document)) size.set(document, (size.get(document) ?? 0) + 1);
    const most = [...size.keys()].sort((a, b) => size.get(b)! - size.get(a)! || a - b).slice(0, 6);
    const style = (document: number) => (most.includes(document) ? most.indexOf(document) : 6);
    return { color: i => category(style(data.document[i]), page.dark), key: element('div', {}, shapes(page, 6), legend(page,
      [...most, ...(size.size > 6 ? [NaN] : [])].map(document => ({ name: Number.isNaN(document) ? 'other documents' : `document ${document}`, style: style(document), symbols: true, shape: 'square' })))) };
  }
  return { color: i => category(i < data.queries ? 0 : 1, page.dark), key: shapes(page, 1) };
}

function pointText(page: Page, data: Cloud, i: number): string[] {
  const token = page.report.options.tokens ? data.token[i] : '';
  const document = data.document[i];
  return [i < data.queries ? 'query' : 'key', Number.isNaN(data.position[i]) ? '' : `position ${grouped(data.position[i])}, bucket ${data.bucket[i]}`,
    Number.isNaN(document) ? '' : `document ${page.analysis.documents[document] ?? document}`, `${short(data.x[i])}, ${short(data.y[i])}`, token ? `token ${JSON.stringify(token).replace(/\p{Cf}/gu, sign => `\\u{${sign.codePointAt(0)!.toString(16)}}`)}` : ''];
}

interface Drawing { label: string; axes: [string, string]; color(i: number): string }

// The axes, as a chart; with points for export, without them under the canvas.
function axesOf(page: Page, data: Cloud, { label, axes, color }: Drawing, width: number, dots: boolean): SVGSVGElement {
  const height = Math.round(Math.min(520, Math.max(260, width * 0.62)));
  const { x, y } = squareLimits(data.x, data.y, width - 72, height - 64);  // a chart has these margins
  return points(page, { label, width, height, x: { label: axes[0], domain: x }, y: { label: axes[1], domain: y } },
    dots ? Array.from(data.x, (x, i) => ({ x, y: data.y[i], color: color(i), symbol: i < data.queries ? 1 : 6, lines: [] })) : []);
}

// The canvas with its tooltips: under the pointer, or stepped through by arrows in the order of positions.
function picture(page: Page, data: Cloud, drawing: Drawing, width: number): HTMLElement {
  const axes = axesOf(page, data, drawing, width, false) as SVGSVGElement & { scale(name: string): { apply(value: number): number } };
  axes.setAttribute('aria-hidden', 'true');
  const height = Number(axes.getAttribute('height')), dots = devicePixelRatio > 1.5 ? 2 : 1;
  const canvas = element('canvas', { width: width * dots, height: height * dots, tabindex: 0, role: 'application',
    'aria-roledescription': 'plane of points', 'aria-label': drawing.label });
  const x = axes.scale('x'), y = axes.scale('y');
  const px = Float32Array.from(data.x, value => x.apply(value)), py = Float32Array.from(data.y, value => y.apply(value));
  const context = canvas.getContext('2d')!, image = context.createImageData(canvas.width, canvas.height);
  drawPoints(image, dots, px, py, data.queries, drawing.color);
  context.putImageData(image, 0, 0);
  const grid = hitGrid(px, py, width, height);
  const order = Array.from(px.keys()).sort((a, b) => data.position[a] - data.position[b] || a - b);
  let at = -1;
  const show = (i: number) => {
    const box = canvas.getBoundingClientRect(), scale = box.width / width;
    page.tip(i < 0 ? null : pointText(page, data, i), { x: box.left + px[i] * scale, y: box.top + py[i] * scale });
  };
  canvas.addEventListener('pointermove', event => {
    const box = canvas.getBoundingClientRect(), scale = box.width / width || 1;
    show(nearest(grid, (event.clientX - box.left) / scale, (event.clientY - box.top) / scale));
  });
  for (const kind of ['pointerleave', 'blur']) canvas.addEventListener(kind, () => page.tip(null));
  canvas.addEventListener('keydown', event => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 }[event.key];
    if (!step) return;
    at = Math.min(Math.max(at + step, 0), order.length - 1);
    show(order[at]);
    event.preventDefault();
  });
  return element('div', { class: 'bundle plane' }, axes, canvas);
}

function fillPlane(root: HTMLElement, page: Page, head: Head, container: Container): void {
  const run = page.state.run, table = container.tables.get(`${run}/points`), rows = container.tables.get(`${run}/rows`) ?? null;
  let row = -1;
  for (let i = 0; table && i < table.rows; ++i) {
    if (table.number('layer', i) === head.layer && table.number('q_head', i) === head.q) row = i;
  }
  const plane = page.state.choice.plane;
  const data = table && row >= 0 ? cloud(table, rows, row, plane) : null;
  if (!data) { root.replaceChildren(remark('This head has no points in this plane.')); return; }
  const profiles = page.analysis.table('profiles'), profile = page.analysis.rows('profiles', head.key)[0];
  const share = profiles && profile !== undefined ? profiles.number(`plane_share_${plane}`, profile) : NaN;
  const pair = profiles && profile !== undefined ? profiles.number('rope_pair', profile) : NaN;
  const axes: [string, string] = plane === 'rope' && !Number.isNaN(pair) ? [`RoPE pair ${pair}, first component`, 'second component'] : kAxes[plane];
  const { color, key } = paint(page, data);
  const label = `${headName(head)}: ${count(data.queries, 'query', 'queries')} and ${count(data.x.length - data.queries, 'key')} in the plane of ${axes.join(' and ')}. Arrow keys step through the points.`;
  const drawing: Drawing = { label, axes, color };
  root.replaceChildren(element('p', {}, Number.isNaN(share) ? 'How much of the variance of scores this plane carries is not known.'
    : element('strong', {}, `This plane carries ${percent(share)} of the variance of scores.`), Number.isNaN(share) ? '' : ' What is near here may be far in the other components.'),
  key, chart(page, `Plane of ${headName(head)}, ${plane}`, () => ({ columns: ['kind', 'position', 'bucket', 'document', axes[0], axes[1]],
    rows: Array.from(data.x, (x, i) => [i < data.queries ? 'query' : 'key', data.position[i], data.bucket[i], data.document[i], Number(x.toPrecision(6)), Number(data.y[i].toPrecision(6))]) }),
  width => picture(page, data, drawing, Math.min(width, kWidest)), () => axesOf(page, data, drawing, kWidest, true)),
  remark('Queries are multiplied by s and keys divided by s so that both have equal mean squares, and the mean key is subtracted: neither changes what attention sees. One scale for both axes.'));
  if (root.isConnected) drawCharts(page.printing);  // else with the other charts of the view
}

// The section, and what draws its points anew after a change of its choices.
export function plane(page: Page, head: Head): { root: HTMLElement; fill(): void } {
  const { choice } = page.state;
  const waiting = page.points();
  const lacking = lacks(page.analysis, 'profiles');
  if (!waiting || lacking) {
    const why = lacking ?? 'The points of head_profiles.parquet are not in this page.';
    return { fill: () => {}, root: gap('Plane of queries and keys', why) };
  }
  const body = element('div', {}, remark('Unpacking the points ...'));
  const fill = () => void (!(waiting instanceof Promise) ? fillPlane(body, page, head, waiting)
    : waiting.then(container => fillPlane(body, page, head, container),
      () => body.replaceChildren(remark('The points cannot be read: the file may have been cut off.'))));
  const choose = (name: 'plane' | 'paint', label: string, options: [string, string][]) =>
    select(name, label, options, choice[name], value => page.go({ choice: { ...page.state.choice, [name]: value } }));
  fill();
  return { fill, root: section('Plane of queries and keys', controls(
    choose('plane', 'Plane', [['beta', 'along and across beta'], ['joint', 'first joint axes'], ['rope', 'RoPE pair']]),
    choose('paint', 'Colour', [['kind', 'query or key'], ['position', 'position'], ['bucket', 'bucket'], ['document', 'document']])), body) };
}
