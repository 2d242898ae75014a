// Charts. The only module that knows the chart library.
//
// The library's <style> elements are taken out before a chart enters the page (our style sheet has
// their rules), and so are its labels of inner groups: a chart has one label.

import { areaY, dot, line, plot, rect, ruleX, ruleY, type Markish } from '@observablehq/plot';
import { category, kDashes, kSymbols } from './color.ts';
import { button, element, onKeys, scrolled, setAttributes, svgElement, table as plainTable } from './dom.ts';
import { downloadCsv, downloadPng, downloadSvg, fileName, type Rows } from './export.ts';
import { short } from './format.ts';
import { broken } from './parts.ts';
import { extent, type HeadKey } from './report.ts';
import type { Page } from './view.ts';

const kDotted = '1 4';   // the dashes of what few documents are behind, and of nothing else

export type Ends = [low: number, high: number];
export interface Axis { label: string; domain?: Ends; log?: boolean; ticks?: number[] }

export interface FigureSpec {
  label: string;
  height: number | [least: number, share: number, most: number];   // a share of the width, with its limits
  x: Axis;
  y: Axis;
  zero?: boolean; zeroX?: boolean; diagonal?: boolean;   // rules
  square?: boolean;                                      // one scale for both axes
  brush?(x: Ends, y: Ends): void;                        // a rectangle was drawn by the pointer
}

// A place with a tooltip, in the units of the axes. `pointer`: arrow keys pass it over.
export interface Probe { x: number; y: number; lines(): readonly string[]; key?: HeadKey; pointer?: boolean }

// What is drawn, and its tooltips.
export interface Layer { marks: Markish[]; probes: readonly Probe[] }

export interface Series {
  name: string;
  style: number;               // colour, dash and symbol
  x: ArrayLike<number>;
  y: ArrayLike<number>;        // NaN: a gap
  low?: ArrayLike<number>;     // a band
  high?: ArrayLike<number>;
  thin?: ArrayLike<boolean>;   // few documents: drawn dotted
  width?: number;
  symbols?: boolean;
  lines?(index: number): string[];   // of the tooltip; none without it
}

export function lines(page: Page, all: readonly Series[]): Layer {
  const layers = all.map(({ x, y, low, high, lines, ...each }): Layer => {
    const stroke = category(each.style, page.dark), index = Array.from(x, (_, i) => i);
    const thin = (i: number) => !!each.thin?.[i], at = (i: number) => x[i];
    const shared = { x: at, stroke, strokeWidth: each.width ?? 1.8 };
    // A piece between two points is dotted if either has few documents.
    const pieces = (dotted: boolean) => (i: number) => {
      const joins = (j: number) => j >= 0 && j < index.length && (thin(i) || thin(j)) === dotted;
      return joins(i - 1) || joins(i + 1) ? y[i] : NaN;
    };
    const hasSymbols = each.symbols !== false && index.length <= 80;
    const band = { x: at, y1: (i: number) => low![i], y2: (i: number) => high![i] };
    const isAlone = (i: number) => !Number.isFinite(low![i - 1]) && !Number.isFinite(low![i + 1]);
    return { probes: lines ? index.map(i => ({ x: x[i], y: y[i], lines: () => lines(i) })) : [], marks: [
      low && high ? areaY(index, { ...band, fill: stroke, fillOpacity: 0.18 }) : null,
      low && high ? ruleX(index.filter(isAlone),
        { ...band, stroke, strokeWidth: 4, strokeOpacity: 0.3 }) : null,
      line(index, { ...shared, y: pieces(false), strokeDasharray: kDashes[each.style % 8] }),
      line(index, { ...shared, y: pieces(true), strokeDasharray: kDotted, strokeLinecap: 'round' }),
      hasSymbols ? dot(index, { x: at, y: (i: number) => y[i], r: 3, symbol: kSymbols[each.style % 8], stroke,
        fill: (i: number) => (thin(i) ? 'var(--back)' : stroke) }) : null] };
  });
  return { marks: layers.flatMap(layer => layer.marks), probes: layers.flatMap(layer => layer.probes) };
}

export interface Bar { from: number; to: number; value: number; hollow: boolean; lines(): string[] }

// `log`: the axis is.
export function bars(page: Page, all: readonly Bar[], log = false): Layer {
  const stroke = category(0, page.dark), inset = all.length > 150 ? 0 : 0.5;   // narrow bars have no gaps
  const middle = (from: number, to: number) => (log ? Math.sqrt(from * to) : (from + to) / 2);
  const draw = (hollow: boolean) => rect(all.filter(bar => bar.hollow === hollow), { x1: 'from', x2: 'to',
    y1: 0, y2: 'value', inset, stroke, fill: hollow ? 'none' : stroke,
    strokeDasharray: hollow ? '3 2' : undefined });
  return { marks: [draw(false), draw(true), ruleY([0])],
    probes: all.map(({ from, to, value, lines }) => ({ x: middle(from, to), y: value, lines })) };
}

export interface Dot extends Probe { color: string; symbol?: number; faint?: boolean; hollow?: boolean;
  xBar?: Ends; yBar?: Ends }   // intervals

export function dots(all: readonly Dot[]): Layer {
  const bars = { stroke: 'color', strokeOpacity: 0.5 };
  const x = (i: 0 | 1) => (each: Dot) => each.xBar![i], y = (i: 0 | 1) => (each: Dot) => each.yBar![i];
  return { probes: all, marks: [
    ruleY(all.filter(each => each.xBar), { ...bars, y: 'y', x1: x(0), x2: x(1) }),
    ruleX(all.filter(each => each.yBar), { ...bars, x: 'x', y1: y(0), y2: y(1) }),
    dot(all, { x: 'x', y: 'y', r: 3.2, stroke: 'color', strokeWidth: 1.4, fillOpacity: 0.75,
      symbol: ({ symbol = 0 }: Dot) => kSymbols[symbol % 8],
      fill: ({ faint, hollow, color }: Dot) => (faint || hollow ? 'none' : color),
      strokeOpacity: ({ faint }: Dot) => (faint ? 0.45 : 1) })] };
}

// So many points that they are pixels of a canvas, which has two for each of the chart: squares and crosses.
export interface Speck { x: number; y: number; cross: boolean; lines(): readonly string[] }
export function cloud<S extends Speck>(all: readonly S[], color: (speck: S) => string): Layer {
  const mark: Markish = (_index, { x, y }, _values, { width, height }) => {
    const canvas = element('canvas', { width: 2 * width, height: 2 * height });
    const context = canvas.getContext('2d', { willReadFrequently: true })!;   // not drawn by a graphics card
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const fill = (left: number, top: number, wide: number, high: number, ink: number) => {
      const from = Math.max(left, 0), to = Math.min(left + wide, image.width);
      for (let row = Math.max(top, 0); from < to && row < Math.min(top + high, image.height); ++row) {
        pixels.fill(ink, row * image.width + from, row * image.width + to);
      }
    };
    for (const speck of all) {
      const px = 2 * Math.round(x!(speck.x)), py = 2 * Math.round(y!(speck.y)), ink = opaque(color(speck));
      if (!speck.cross) fill(px - 3, py - 3, 6, 6, ink);
      else fill(px - 6, py - 1, 12, 2, ink), fill(px - 1, py - 6, 2, 12, ink);
    }
    context.putImageData(image, 0, 0);
    return svgElement('foreignObject', { x: 0, y: 0, width, height }, canvas);
  };
  return { marks: [mark], probes: all };
}

// #rrggbb as a pixel of ImageData: red is its first byte, and all processors that browsers run on put the
// lowest first.
function opaque(hex: string): number {
  const rgb = parseInt(hex.slice(1), 16);
  return (0xff000000 | (rgb & 0xff) << 16 | rgb & 0xff00 | rgb >> 16) >>> 0;
}

// A curve among many, which is told apart under the pointer alone.
export interface Thread { key: HeadKey; x: ArrayLike<number>; y: ArrayLike<number>; color: string;
  thin?: ArrayLike<boolean>; dashes?: string; bold?: boolean; lines(index: number): string[] }

// The page marks the one under the pointer by its data-head.
export function bundle(all: readonly Thread[]): Layer {
  const usual = all.length > 400 ? Math.max(0.12, 100 / all.length) : 0.3;
  const faint = all.some(each => each.bold) ? 0.7 * usual : usual;
  const mark: Markish = (_index, { x, y }) => svgElement('g', { fill: 'none' }, ...all.flatMap(each => {
    const at = (i: number) => `${x!(each.x[i])} ${y!(each.y[i])}`;
    const piece = (i: number, dotted: boolean) => Number.isFinite(each.y[i - 1]) &&
      Number.isFinite(each.y[i]) && !!(each.thin?.[i - 1] || each.thin?.[i]) === dotted;
    return [false, true].map(dotted => {
      const d = Array.from(each.x, (_, i) => (!piece(i, dotted) ? ''
        : `${piece(i - 1, dotted) ? '' : `M${at(i - 1)}`}L${at(i)}`)).join('');
      return d && svgElement('path', { class: 'thread', 'data-head': each.key, d, stroke: each.color,
        'stroke-width': each.bold ? 1.8 : 1, 'stroke-opacity': each.bold ? 0.95 : faint,
        'stroke-dasharray': dotted ? kDotted : each.dashes || null });
    });
  }));
  return { marks: [mark], probes: all.flatMap(({ key, x, y, lines }) =>
    Array.from(x, (at, i) => ({ x: at, y: y[i], key, lines: () => lines(i), pointer: true }))) };
}

// The scales of a picture, as the library has them, and where the pointer is in it.
type Scale = { apply(value: number): number; invert(value: number): number };
const scales = (picture: SVGSVGElement) =>
  (['x', 'y'] as const).map(name => (picture as SVGSVGElement & { scale(name: string): Scale }).scale(name));
const inside = (picture: SVGSVGElement, { clientX, clientY }: MouseEvent) =>
  new DOMPoint(clientX, clientY).matrixTransform(picture.getScreenCTM()!.inverse());

// Limits of what is shown on width by height pixels: all points, with a margin of one part in twenty, and one
// scale for both axes.
export function squareLimits(spots: readonly { x: number; y: number }[], width: number, height: number) {
  const [x, y] = (['x', 'y'] as const).map(axis => extent(spots.map(spot => spot[axis])) ?? [-1, 1]);
  const unit = 1.1 * Math.max((x[1] - x[0]) / width, (y[1] - y[0]) / height, 1e-9) / 2;  // of half a pixel
  const around = ([low, high]: number[], size: number): [number, number] =>
    [(low + high) / 2 - unit * size, (low + high) / 2 + unit * size];
  return { x: around(x, width), y: around(y, height) };
}

function draw(page: Page, spec: FigureSpec, layers: readonly Layer[], width: number): SVGSVGElement {
  const { height, x, y, brush } = spec, faint = { strokeOpacity: 0.6 }, domain = x.domain ?? [0, 1];
  const probes = layers.flatMap(layer => layer.probes);
  const axis = ({ log, ...rest }: Axis) =>
    ({ ...rest, type: log ? 'log' : 'linear', tickFormat: short, labelArrow: 'none' }) as const;
  const high = typeof height === 'number' ? height
    : Math.min(height[2], Math.max(height[0], height[1] * width));
  const limits = spec.square ? squareLimits(probes, width - 72, high - 64) : { x: x.domain, y: y.domain };
  const picture = plot({ width, height: high, className: 'plot',
    marginLeft: 56, marginBottom: 38, marginTop: 26, marginRight: 16,
    x: { ...axis(x), domain: limits.x }, y: { ...axis(y), domain: limits.y, grid: true, nice: !limits.y },
    marks: [spec.zero ? ruleY([0], faint) : null, spec.zeroX ? ruleX([0], faint) : null,
      spec.diagonal ? line(domain, { x: value => value, y: value => value, ...faint }) : null,
      ...layers.flatMap(layer => layer.marks)] }) as SVGSVGElement;
  picture.querySelectorAll('style').forEach(node => node.remove());
  picture.querySelectorAll('[aria-label]').forEach(node => node.removeAttribute('aria-label'));
  setAttributes(picture, { role: 'img', 'aria-label': spec.label });
  if (probes.length) probe(page, picture, probes);
  if (brush) brushed(picture, brush);
  return picture;
}

const kSteps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1,
  PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };

// Tooltips: of the probe that is nearest to the pointer, at most 40 pixels away, or that keys step to. What
// takes keys is more than an image, so to screen readers it is an application.
function probe(page: Page, picture: SVGSVGElement, probes: readonly Probe[]): void {
  const [x, y] = scales(picture);
  let places: { px: number; py: number }[] = [], stops: number[] = [];
  const place = () => {   // not before they are asked for: there may be many
    if (places.length) return;
    places = probes.map(each => ({ px: x.apply(each.x), py: y.apply(each.y) }));
    stops = [...places.keys()].filter(i => !probes[i].pointer && places[i].px + places[i].py < Infinity);
  };
  let at = -1, shown = -1;  // at: among the stops
  const show = (index: number, pointer?: MouseEvent) => {
    if (pointer && index === shown) return;  // the tooltip keeps its place, so that the pointer can reach it
    shown = index;
    if (index < 0) return page.tip(null);
    const { px, py } = places[index], { lines, key } = probes[index];
    page.tip(lines(), pointer ?? new DOMPoint(px, py).matrixTransform(picture.getScreenCTM()!), key);
  };
  const point = (event: MouseEvent) => {
    const pointer = inside(picture, event);
    let found = -1, least = 40 ** 2;
    place();
    for (const [i, { px, py }] of places.entries()) {
      const distance = (px - pointer.x) ** 2 + (py - pointer.y) ** 2;
      if (distance < least) [found, least] = [i, distance];
    }
    show(found, event);
  };
  const open = (event: MouseEvent | KeyboardEvent) => {
    const key = probes[shown]?.key;
    if (key) page.open(key, event);
  };
  setAttributes(picture, { tabindex: 0, role: 'application', 'aria-roledescription': 'chart',
    'aria-description': 'Arrow keys step through its points.', onpointermove: point,
    onpointerleave: () => show(-1), onblur: () => show(-1),
    onclick: (event: MouseEvent) => { point(event); open(event); } });
  onKeys(picture, kSteps, step => {
    place();
    at = at < 0 && step === -1 ? stops.length - 1 : Math.min(Math.max(at + step, 0), stops.length - 1);
    show(stops[at] ?? -1);
  }, open);
}

function brushed(picture: SVGSVGElement, brush: NonNullable<FigureSpec['brush']>): void {
  const [x, y] = scales(picture);
  const frame = svgElement('rect', { class: 'brush', 'aria-hidden': 'true' });
  let from: DOMPoint | null = null;
  const drawn = (event: PointerEvent) => {
    const to = inside(picture, event);
    return new DOMRect(from!.x, from!.y, to.x - from!.x, to.y - from!.y);
  };
  const end = () => { from = null; frame.remove(); };
  setAttributes(picture, {
    onpointerdown: (event: PointerEvent) => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      from = inside(picture, event);
      picture.setPointerCapture(event.pointerId);  // a release outside ends the frame as well
    },
    onpointermove: (event: PointerEvent) => {
      if (!from || !event.buttons) return;
      const { left, top, right, bottom } = drawn(event);
      setAttributes(frame, { x: left, y: top, width: right - left, height: bottom - top });
      picture.append(frame);
    },
    onpointerup: (event: PointerEvent) => {
      if (!from) return;
      const { left, top, right, bottom } = drawn(event);
      end();
      if (right - left < 5 && bottom - top < 5) return;
      brush([x.invert(left), x.invert(right)], [y.invert(bottom), y.invert(top)]);
    },
    onpointercancel: end,
  });
}

export function figure(page: Page, title: string, spec: FigureSpec, layers: readonly Layer[],
                       rows: () => Rows): HTMLElement {
  return chart(page, title, rows, width => draw(page, spec, layers, width));
}

// Charts need the width of their place, so they are drawn once they are in the page: those in sight at
// once, the others when they come near, or all for printing.
const drawings = new WeakMap<Element, (width: number) => void>();

export function drawCharts(all: boolean): void {
  const places = [...document.querySelectorAll<HTMLElement>('.chart:empty')]
    .filter(place => all || place.getBoundingClientRect().top < innerHeight);
  const widths = places.map(place => place.clientWidth);   // each drawing lays out the page again
  places.forEach((place, i) => drawings.get(place)?.(widths[i]));
}

// A chart in its frame: drawn again when its width changes; its numbers as a table, and its exports.
export function chart(page: Page, title: string, rows: () => Rows, draw: (width: number) => Element,
                      picture?: () => SVGSVGElement): HTMLElement {
  const place = element('div', { class: 'chart' });
  const numbers = scrolled(`${title}, numbers`);
  setAttributes(numbers, { class: 'scroll numbers', hidden: true });
  const name = fileName('qkscope', page.state.view, title);
  let width = 0;
  const redraw = (now: number) => {
    if (now < 50 || Math.floor(now) === width) return;
    width = Math.floor(now);
    try {
      place.replaceChildren(draw(width));
    } catch (error) { place.replaceChildren(broken(error)); }
  };
  drawings.set(place, redraw);
  new IntersectionObserver(([{ isIntersecting }], observer) => {
    if (!isIntersecting) return;
    observer.disconnect();
    new ResizeObserver(() => redraw(place.clientWidth)).observe(place);
  }, { rootMargin: '600px' }).observe(place);
  const svg = () => { redraw(place.clientWidth); return picture?.() ?? place.querySelector('svg')!; };
  const toggle = button('Table', () => {
    numbers.hidden = !numbers.hidden;
    toggle.setAttribute('aria-expanded', String(!numbers.hidden));
    if (numbers.hidden) return;
    const all = rows(), cells = all.slice(0, 1000).map(row => Object.values(row));
    const more = all.length > 1000 ? `The first 1,000 of ${all.length} rows; the CSV file has all.` : '';
    numbers.replaceChildren(plainTable(title, Object.keys(all[0] ?? {}), cells), more);
  }, { 'aria-expanded': 'false', 'aria-label': `${title}: as table` });
  const save = (kind: string, run: () => unknown) =>
    button(kind, () => void run(), { 'aria-label': `${title}: save as ${kind}` });
  return element('figure', {}, element('figcaption', {}, title),
    element('div', { class: 'tools' }, toggle, save('SVG', () => downloadSvg(name, svg())),
      save('PNG', () => downloadPng(name, svg())), save('CSV', () => downloadCsv(name, rows()))),
    place, numbers);
}
