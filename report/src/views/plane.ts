// Queries and keys of a head in a plane: a point for each of the sampled rows.

import { chart, drawCharts, lines, type Under } from '../chart.ts';
import { category, ink, unit } from '../color.ts';
import { say, tip } from '../curves.ts';
import type { Container, Table } from '../data.ts';
import { element, svgElement } from '../dom.ts';
import { count, percent } from '../format.ts';
import { choose, controls, gap, lacks, legend, ramp, remark, section, type Entry } from '../parts.ts';
import { extent, headName, type Head } from '../report.ts';
import type { Page } from '../view.ts';

const kTitle = 'Plane of queries and keys';
const kWidest = 900;  // pixels

type Spot = { kind: 'query' | 'key'; x: number; y: number; token: string;
  position: number; bucket: number; document: number };

const kAxes: Record<string, string[]> = {
  beta: ['along beta', 'first axis of the residuals across beta'],
  joint: ['first joint axis', 'second joint axis'],
  rope: ['first component of the RoPE pair', 'second component'],
};

// The points of a head in a plane. `rows` says what each of them is.
function cloud(table: Table, rows: Table, row: number, plane: string): Spot[] {
  const scale = table.number(`scale_${plane}`, row);
  return (['query', 'key'] as const).flatMap(kind => {
    const set = table.number(`${kind[0]}_rows`, row);
    const xy = scale > 0 ? table.list(`${kind[0]}_${plane}`, row) : [];
    return Array.from({ length: Math.min(xy.length / 2, rows.number('count', set)) }, (_, i) => ({
      kind, x: xy[2 * i] * scale, y: xy[2 * i + 1] * scale, position: rows.number('position', set, i),
      bucket: rows.number('bucket', set, i), document: rows.number('document', set, i),
      token: rows.text('token', set, i) }));
  });
}

// Those that were shown last: another colour needs no others.
let latest: { name: string; spots: Spot[]; probes: Under['probes'] } = { name: '', spots: [], probes: [] };

// What is shown on width by height pixels: all points, with a margin of one part in twenty, and one scale
// for both axes.
export function squareLimits(spots: readonly { x: number; y: number }[], width: number, height: number) {
  const [x, y] = (['x', 'y'] as const).map(axis => extent(spots.map(spot => spot[axis])) ?? [-1, 1]);
  const unit = 1.1 * Math.max((x[1] - x[0]) / width, (y[1] - y[0]) / height, 1e-9) / 2;  // of half a pixel
  const around = ([low, high]: number[], size: number): [number, number] =>
    [(low + high) / 2 - unit * size, (low + high) / 2 + unit * size];
  return { x: around(x, width), y: around(y, height) };
}

// Queries are squares, keys are crosses. There are many, so those of one colour are one path.
function painted(spots: Spot[], color: (spot: Spot) => string): Under['marks'][0] {
  return (_index, scales) => {
    const { x, y } = scales as { x(value: number): number; y(value: number): number };
    const pathsOf = (kind: Spot['kind'], shape: (px: number, py: number) => string, width: number) => {
      const paths = new Map<string, string>();
      for (const spot of spots) {
        if (spot.kind !== kind) continue;
        const stroke = color(spot);
        paths.set(stroke, (paths.get(stroke) ?? '') + shape(Math.round(x(spot.x)), Math.round(y(spot.y))));
      }
      return [...paths].map(([stroke, d]) => svgElement('path', { d, stroke, 'stroke-width': width }));
    };
    return svgElement('g', {}, ...pathsOf('query', (px, py) => `M${px - 1.5} ${py}h3`, 3),
      ...pathsOf('key', (px, py) => `M${px - 3} ${py}h6M${px} ${py - 3}v6`, 1.2));
  };
}

// Shapes tell queries from keys; their colours do so as well if nothing else has the colours.
function paint(page: Page, spots: Spot[]): { color(spot: Spot): string; key: HTMLElement } {
  const kind = page.state.choice.paint;
  const shapes: Entry[] = ['queries', 'keys'].map((name, i) =>
    ({ name, style: kind === 'kind' ? i : 6, shape: i ? 'plus' : 'square' }));
  if (kind === 'position' || kind === 'bucket') {
    const [low, high] = extent(spots.map(spot => spot[kind])) ?? [0, 1];
    const limits = [low, Math.max(high, low + 1)] as const;
    const steps = Array.from({ length: 33 }, (_, i) => ink(i / 32, page.dark));  // few, as paths are
    return { color: spot => steps[Math.round(32 * unit(spot[kind], limits))] ?? steps[0],
      key: element('div', {}, legend(page, shapes), ramp(page, kind, limits, { points: true })) };
  }
  if (kind === 'document') {
    const size = new Map<number, number>();
    for (const { document } of spots) size.set(document, (size.get(document) ?? 0) + 1);
    const most = [...size].filter(([document]) => Number.isFinite(document))
      .sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 6).map(([document]) => document);
    shapes.push(...most.map((document, style) => ({ name: `document ${document}`, style, shape: 'square' })),
      ...(size.size > most.length ? [{ name: 'other documents', style: 6, shape: 'square' }] : []));
    return { key: legend(page, shapes),
      color: ({ document }) => category(most.includes(document) ? most.indexOf(document) : 6, page.dark) };
  }
  return { color: spot => category(spot.kind === 'query' ? 0 : 1, page.dark), key: legend(page, shapes) };
}

function spotLines(page: Page, spot: Spot): string[] {
  const escaped = (sign: string) => `\\u{${sign.codePointAt(0)!.toString(16)}}`;
  const token = spot.token && JSON.stringify(spot.token).replace(/\p{Cf}/gu, escaped);
  return tip('spot', { ...spot, name: page.analysis.documents[spot.document] ?? spot.document, token });
}

function figure(page: Page, head: Head, spots: Spot[], axes: string[], color: (spot: Spot) => string) {
  const under = { marks: [painted(spots, color)], probes: latest.probes };
  const queries = spots.filter(spot => spot.kind === 'query').length;
  const label = `${headName(head)}: ${count(queries, 'query', 'queries')} and ` +
    `${count(spots.length - queries, 'key')} in the plane of ${axes.join(' and ')}`;
  const rows = () => spots.map(({ x, y, token, ...rest }) =>
    ({ ...rest, [axes[0]]: Number(x.toPrecision(6)), [axes[1]]: Number(y.toPrecision(6)) }));
  return chart(page, `Plane of ${headName(head)}, ${page.state.choice.plane}`, rows, room => {
    const width = Math.min(room, kWidest), height = Math.round(Math.min(520, Math.max(260, width * 0.62)));
    const { x, y } = squareLimits(spots, width - 72, height - 64);  // a chart has these margins
    const [across, up] = [{ label: axes[0], domain: x }, { label: axes[1], domain: y }];
    return lines(page, { label, width, height, x: across, y: up, under }, []);
  });
}

function fillPlane(root: HTMLElement, page: Page, head: Head, { tables }: Container): void {
  const { run, choice: { plane } } = page.state, share = `plane_share_${plane}`;
  const table = tables.get(`${run}/points`);
  const row = (table?.records({ layer: NaN, q_head: NaN }) ?? [])
    .findIndex(({ layer, q_head }) => layer === head.layer && q_head === head.q);
  const name = `${run} ${head.key} ${plane}`;
  if (latest.name !== name) {
    const spots = row < 0 ? [] : cloud(table!, tables.get(`${run}/rows`)!, row, plane);
    const inOrder = [...spots].sort((a, b) => a.position - b.position);  // of the arrow keys
    latest = { name, spots,
      probes: inOrder.map(spot => ({ x: spot.x, y: spot.y, lines: () => spotLines(page, spot) })) };
  }
  const { spots } = latest;
  if (spots.length === 0) return root.replaceChildren(remark('This head has no points in this plane.'));
  const profile = page.analysis.records('profiles', { [share]: NaN, rope_pair: NaN }, head.key)[0];
  const axes = plane === 'rope' && profile.rope_pair >= 0
    ? [`RoPE pair ${profile.rope_pair}, first component`, 'second component'] : kAxes[plane];
  const { color, key } = paint(page, spots);
  root.replaceChildren(element('p', {}, ...(Number.isNaN(profile[share])
    ? ['How much of the variance of scores this plane carries is not known.']
    : [element('strong', {}, `This plane carries ${percent(profile[share])} of the variance of scores.`),
      ' What is near here may be far in the other components.'])),
  key, figure(page, head, spots, axes, color), say('plane'));
  if (root.isConnected) drawCharts(page.printing);  // else with the other charts of the view
}

// The section, and what draws its points anew after a change of its choices.
export function plane(page: Page, head: Head): { root: HTMLElement; fill(): void } {
  const waiting = page.points(), lacking = lacks(page.analysis, 'profiles');
  if (!waiting || lacking) {
    const why = lacking ?? 'The points of head_profiles.parquet are not in this page.';
    return { fill: () => {}, root: gap(kTitle, why) };
  }
  const body = element('div', {}, remark('Unpacking the points ...'));
  const fill = () => void (!(waiting instanceof Promise) ? fillPlane(body, page, head, waiting)
    : waiting.then(container => fillPlane(body, page, head, container),
      () => body.replaceChildren(remark('The points cannot be read: the file may have been cut off.'))));
  fill();
  return { fill, root: section(kTitle, controls(
    choose(page, 'plane', 'Plane', [['beta', 'along and across beta'], ['joint', 'first joint axes'],
      ['rope', 'RoPE pair']]),
    choose(page, 'paint', 'Colour', [['kind', 'query or key'], ['position', 'position'], ['bucket', 'bucket'],
      ['document', 'document']])), body) };
}
