// Queries and keys of a head in a plane: a point for each of the sampled rows.

import { cloud, drawCharts, figure, type Speck } from '../chart.ts';
import { category, ink, unit } from '../color.ts';
import { say, tip } from '../curves.ts';
import type { Container } from '../data.ts';
import { element } from '../dom.ts';
import { count, percent } from '../format.ts';
import { choose, controls, gap, lacks, legend, ramp, remark, section, type Entry } from '../parts.ts';
import { extent, headName, type Head } from '../report.ts';
import type { Page } from '../view.ts';

const kTitle = 'Plane of queries and keys';

interface Spot extends Speck { position: number; bucket: number; document: number }

const kAxes: Record<string, string[]> = {
  beta: ['along beta', 'first axis of the residuals across beta'],
  joint: ['first joint axis', 'second joint axis'],
  rope: ['first component of the RoPE pair', 'second component'],
};

const kind = (cross: boolean) => (cross ? 'key' : 'query');

// The points of a head in a plane, queries before keys.
function spotsOf({ analysis, state }: Page, { layer, q }: Head, { tables }: Container): Spot[] {
  const table = tables.get(`${state.run}/points`), rows = tables.get(`${state.run}/rows`);
  const row = (table?.records({ layer: NaN, q_head: NaN }) ?? [])
    .findIndex(each => each.layer === layer && each.q_head === q);
  const { plane } = state, scale = table?.number(`scale_${plane}`, row) ?? NaN;
  if (!table || !rows || !(scale > 0)) return [];
  return [false, true].flatMap(cross => {
    const set = table.number(cross ? 'k_rows' : 'q_rows', row), of = (name: string) => rows.list(name, set);
    const xy = table.list(`${cross ? 'k' : 'q'}_${plane}`, row);
    const [positions, buckets, documents] = ['position', 'bucket', 'document'].map(of);
    return Array.from({ length: Math.min(xy.length / 2, rows.number('count', set)) }, (_, i) => {
      const spot = { cross, x: xy[2 * i] * scale, y: xy[2 * i + 1] * scale, position: positions[i],
        bucket: buckets[i], document: documents[i] };
      return { ...spot, lines: () => words(analysis.documents, spot, rows.text('token', set, i)) };
    });
  });
}

function words(names: readonly string[], { cross, ...spot }: Omit<Spot, 'lines'>, text: string): string[] {
  const escaped = (sign: string) => `\\u{${sign.codePointAt(0)!.toString(16)}}`;
  return tip('spot', { ...spot, kind: kind(cross), name: names[spot.document] ?? spot.document,
    token: text && JSON.stringify(text).replace(/\p{Cf}/gu, escaped) });
}

// Shapes tell queries from keys; their colours do so as well if nothing else has the colours.
function paint(page: Page, spots: Spot[]): { color(spot: Spot): string; key: HTMLElement[] } {
  const { dark, state: { paint: by } } = page;
  const shapes: Entry[] = ['queries', 'keys'].map((name, i) =>
    ({ name, style: by === 'kind' ? i : 6, shape: i ? 'plus' : 'square' }));
  if (by === 'position' || by === 'bucket') {
    const [low, high] = extent(spots.map(spot => spot[by])) ?? [0, 1];
    const limits = [low, Math.max(high, low + 1)] as const;
    const steps = Array.from({ length: 65 }, (_, i) => ink(i / 64, dark));
    return { color: spot => steps[Math.round(64 * unit(spot[by], limits))],
      key: [legend(page, shapes), ramp(page, by, limits, { points: true })] };
  }
  if (by === 'kind') return { color: ({ cross }) => category(+cross, dark), key: [legend(page, shapes)] };
  const size = new Map<number, number>();
  for (const { document } of spots) size.set(document, (size.get(document) ?? 0) + 1);
  const most = [...size].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 6).map(([each]) => each);
  shapes.push(...most.map((document, style) => ({ name: `document ${document}`, style, shape: 'square' })),
    ...(size.size > most.length ? [{ name: 'other documents', style: 6, shape: 'square' }] : []));
  const colors = new Map(most.map((document, style) => [document, category(style, dark)]));
  return { color: ({ document }) => colors.get(document) ?? category(6, dark), key: [legend(page, shapes)] };
}

// Those that were shown last: another colour needs no others.
let latest: { name: string; spots: Spot[]; inOrder: Spot[] } = { name: '', spots: [], inOrder: [] };

function fillPlane(root: HTMLElement, page: Page, head: Head, container: Container): void {
  const { run, plane } = page.state, name = `${run} ${head.key} ${plane}`;
  if (latest.name !== name) {
    const spots = spotsOf(page, head, container);
    latest = { name, spots, inOrder: [...spots].sort((a, b) => a.position - b.position) };
  }
  const { spots, inOrder } = latest;
  if (spots.length === 0) return root.replaceChildren(remark('This head has no points in this plane.'));
  const [share = NaN] = page.analysis.list('profiles', `plane_share_${plane}`, head.key);
  const [pair] = page.analysis.list('profiles', 'rope_pair', head.key);
  const axes = plane === 'rope' && pair >= 0 ? [`RoPE pair ${pair}, first component`, 'second component']
    : kAxes[plane];
  const { color, key } = paint(page, spots), queries = spots.filter(spot => !spot.cross).length;
  const label = `${headName(head)}: ${count(queries, 'query', 'queries')} and ` +
    `${count(spots.length - queries, 'key')} in the plane of ${axes.join(' and ')}`;
  root.replaceChildren(
    element('p', {}, ...(Number.isNaN(share)
      ? ['How much of the variance of scores this plane carries is not known.']
      : [element('strong', {}, `This plane carries ${percent(share)} of the variance of scores.`),
        ' What is near here may be far in the other components.'])), ...key,
    figure(page, `Plane of ${headName(head)}, ${plane}`, { label, height: [260, 0.62, 520], square: true,
      x: { label: axes[0] }, y: { label: axes[1] } }, [cloud(inOrder, color)],
    () => spots.map(({ cross, x, y, lines, ...rest }) => ({ kind: kind(cross), ...rest,
      [axes[0]]: Number(x.toPrecision(6)), [axes[1]]: Number(y.toPrecision(6)) }))), say('plane'));
  if (root.isConnected) drawCharts(page.printing);  // else with the other charts of the view
}

// The section, and what draws its points anew after a change of its choices.
export function plane(page: Page, head: Head): { root: HTMLElement; fill(): void } {
  const why = lacks(page.analysis, 'profiles') ??
    (page.points() ? null : 'The points of head_profiles.parquet are not in this page.');
  if (why) return { fill: () => {}, root: gap(kTitle, why) };
  const body = element('div', {}, remark('Unpacking the points ...'));
  const fill = () => {
    const points = page.points()!;
    if (!(points instanceof Promise)) return fillPlane(body, page, head, points);
    points.then(container => fillPlane(body, page, head, container),
      () => body.replaceChildren(remark('The points cannot be read: the file may have been cut off.')));
  };
  fill();
  return { fill, root: section(kTitle, controls(choose(page, 'plane'), choose(page, 'paint')), body) };
}
