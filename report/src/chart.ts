// Charts. The only module that knows the chart library.
//
// The library's <style> elements are taken out before a chart enters the page (our style sheet has
// their rules), and so are its labels of inner groups: a chart has one label.

import { dot, line, plot, ruleX, ruleY, type Markish } from '@observablehq/plot';
import { category, kDashes, kSymbols } from './color.ts';
import { button, element, scrolled, setAttributes, svgElement, table as plainTable } from './dom.ts';
import { downloadCsv, downloadPng, downloadSvg, fileName, type Rows } from './export.ts';
import { exact, short } from './format.ts';
import { extent, type HeadKey } from './report.ts';
import type { Page } from './view.ts';

type Ends = [low: number, high: number];
export interface Axis { label: string; domain?: Ends; nice?: boolean; log?: boolean; ticks?: number[] }

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
  lines?: (index: number) => string[];   // of the tooltip
}

export interface Bar { from: number; to: number; value: number; hollow?: boolean; lines: Words }

export interface Dot extends Probe { color: string; symbol?: number; faint?: boolean;
  xBar?: Ends; yBar?: Ends }   // intervals

// A curve among many, which is told apart under the pointer alone.
export interface Thread { key: HeadKey; x: ArrayLike<number>; y: ArrayLike<number>; color: string;
  dashes?: string; bold?: boolean; lines(index: number): string[] }

export interface ChartSpec { label: string; width: number; height: number; x: Axis; y: Axis;
  zero?: boolean; zeroX?: boolean;   // rules at 0
  under?: Under }

// Of a figure: its width is that of its place. Its height may be a share of that, with its limits.
type Height = number | [least: number, share: number, most: number];
export type FigureSpec = Omit<ChartSpec, 'width' | 'height'> & { height: Height };

function sized({ height, ...rest }: FigureSpec, width: number): ChartSpec {
  if (typeof height === 'number') return { ...rest, height, width };
  const [least, share, most] = height;
  return { ...rest, width, height: Math.min(most, Math.max(least, share * width)) };
}

// Figures, with the rows of the table behind them.
export function lineFigure(page: Page, title: string, spec: FigureSpec, series: Series[], rows: () => Rows) {
  return chart(page, title, rows, width => lines(page, sized(spec, width), series));
}

export function barFigure(page: Page, title: string, spec: FigureSpec, data: Bar[], rows: () => Rows) {
  return chart(page, title, rows, width => bars(page, sized(spec, width), data));
}

export function pointFigure(page: Page, title: string, spec: FigureSpec, data: Dot[], rows: () => Rows,
                            extra: Extra = {}) {
  return chart(page, title, rows, width => points(page, sized(spec, width), data, extra));
}

export type Words = readonly string[] | (() => readonly string[]);  // of a tooltip

// A place with a tooltip, in the units of the axes. `pointer`: arrow keys pass it over.
export interface Probe { x: number; y: number; lines: Words; key?: HeadKey; pointer?: boolean }

// What is drawn beneath the marks of a chart, and its tooltips.
export interface Under { marks: Markish[]; probes: Probe[] }

// The scales of a picture, as the library has them, and where the pointer is in it.
type Scale = { apply(value: number): number; invert(value: number): number };
const scales = (picture: SVGSVGElement) =>
  (['x', 'y'] as const).map(name => (picture as SVGSVGElement & { scale(name: string): Scale }).scale(name));
const inside = (picture: SVGSVGElement, { clientX, clientY }: MouseEvent) =>
  new DOMPoint(clientX, clientY).matrixTransform(picture.getScreenCTM()!.inverse());

function build(page: Page, spec: ChartSpec, marks: Markish[], own: Probe[]): SVGSVGElement {
  const axis = ({ log, ...rest }: Axis) =>
    ({ ...rest, type: log ? 'log' : 'linear', tickFormat: short, labelArrow: 'none' }) as const;
  const faint = { strokeOpacity: 0.6 };
  const rules = [spec.zero ? ruleY([0], faint) : null, spec.zeroX ? ruleX([0], faint) : null];
  const picture = plot({ width: spec.width, height: spec.height, className: 'plot',
    marginLeft: 56, marginBottom: 38, marginTop: 26, marginRight: 16,
    x: axis(spec.x), y: { ...axis(spec.y), grid: true, nice: spec.y.nice ?? !spec.y.domain },
    marks: [...spec.under?.marks ?? [], ...rules, ...marks] }) as SVGSVGElement;
  picture.querySelectorAll('style').forEach(node => node.remove());
  picture.querySelectorAll('[aria-label]').forEach(node => node.removeAttribute('aria-label'));
  setAttributes(picture, { role: 'img', 'aria-label': spec.label });
  const probes = [...own, ...spec.under?.probes ?? []];
  if (probes.length) probe(page, picture, probes);
  return picture;
}

const kSteps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1,
  PageDown: 20, PageUp: -20, Home: -Infinity, End: Infinity };

// Tooltips: of the probe that is nearest to the pointer, at most 40 pixels away, or that keys step to. What
// takes keys is more than an image, so to screen readers it is an application.
function probe(page: Page, picture: SVGSVGElement, probes: readonly Probe[]): void {
  const [x, y] = scales(picture);
  const place = () => {
    const px = probes.map(each => x.apply(each.x)), py = probes.map(each => y.apply(each.y));
    return { px, py, stops: probes.map((_, i) => i)
      .filter(i => !probes[i].pointer && Number.isFinite(px[i] + py[i])) };
  };
  let placed: ReturnType<typeof place> | undefined;  // not before they are asked for: there may be many
  const places = () => placed ??= place();
  let at = -1, shown = -1;  // at: among the stops
  const show = (index: number, pointer?: MouseEvent) => {
    if (pointer && index === shown) return;  // the tooltip keeps its place, so that the pointer can reach it
    shown = index;
    page.hover(probes[index]?.key ?? null);
    if (index < 0) return page.tip(null);
    const { lines } = probes[index], { px, py } = places();
    const point = new DOMPoint(px[index], py[index]).matrixTransform(picture.getScreenCTM()!);
    page.tip(typeof lines === 'function' ? lines() : lines, pointer ?? point);
  };
  const nearest = (event: MouseEvent) => {
    const pointer = inside(picture, event), { px, py } = places();
    let found = -1, least = 40 ** 2;
    for (let i = 0; i < probes.length; ++i) {
      const distance = (px[i] - pointer.x) ** 2 + (py[i] - pointer.y) ** 2;
      if (distance < least) [found, least] = [i, distance];
    }
    return found;
  };
  const open = (event: MouseEvent | KeyboardEvent) => {
    const key = probes[shown]?.key;
    if (key) page.open(key, event);
  };
  setAttributes(picture, { tabindex: 0, role: 'application', 'aria-roledescription': 'chart',
    'aria-description': 'Arrow keys step through its points.' });
  picture.addEventListener('pointermove', event => show(nearest(event), event));
  for (const kind of ['pointerleave', 'blur']) picture.addEventListener(kind, () => show(-1));
  picture.addEventListener('click', event => { show(nearest(event), event); open(event); });
  picture.addEventListener('keydown', event => {
    const step = kSteps[event.key];
    if (step) {
      const { stops } = places();
      at = at < 0 && step === -1 ? stops.length - 1 : Math.min(Math.max(at + step, 0), stops.length - 1);
      show(stops[at] ?? -1);
    } else if (event.key === 'Enter') open(event);
    else return;
    event.preventDefault();
  });
}

export function lines(page: Page, spec: ChartSpec, series: Series[]): SVGSVGElement {
  const marks: Markish[] = [];
  const probes: Probe[] = [];
  for (const each of series) {
    const color = category(each.style, page.dark);
    const index = Array.from(each.x, (_, i) => i);
    const x = (i: number) => each.x[i];
    if (each.low && each.high) marks.push(band(each, color));
    const thin = (i: number) => !!each.thin?.[i];
    const shared = { x, stroke: color, strokeWidth: each.width ?? 1.8 };
    // A piece between two points is dotted if either has few documents.
    const pieces = (dotted: boolean) => (i: number) => {
      const joins = (j: number) => j >= 0 && j < index.length && (thin(i) || thin(j)) === dotted;
      return joins(i - 1) || joins(i + 1) ? each.y[i] : NaN;
    };
    marks.push(line(index, { ...shared, y: pieces(false), strokeDasharray: kDashes[each.style % 8] }));
    if (each.thin) {
      marks.push(line(index, { ...shared, y: pieces(true), strokeDasharray: '1 4', strokeLinecap: 'round' }));
    }
    if (each.symbols !== false && index.length <= 80) {
      marks.push(dot(index, { x, y: i => each.y[i], r: 3, symbol: kSymbols[each.style % 8], stroke: color,
        fill: i => (thin(i) ? 'var(--back)' : color) }));
    }
    for (const i of index) {
      probes.push({ x: each.x[i], y: each.y[i], lines: () => each.lines?.(i) ??
        [each.name, `${spec.x.label}: ${exact(each.x[i])}`, `${spec.y.label}: ${exact(each.y[i])}`] });
    }
  }
  const all = [...probes, ...spec.under?.probes ?? []];
  const bands = series.flatMap(({ low = [], high = [] }) => [...Array.from(low), ...Array.from(high)]);
  const y = [...all.map(each => each.y), ...bands, ...(spec.zero ? [0] : [])];
  return build(page, within(spec, all.map(each => each.x), y), marks, probes);
}

// Bands and bars are drawn by hand: those of the library bring its binning and stacking with them, and
// do not tell its scales how far they reach.
function within(spec: ChartSpec, x: readonly number[], y: readonly number[]): ChartSpec {
  const reach = (values: readonly number[]): Ends => {
    const [low, high] = extent(values) ?? [0, 1];
    return low < high ? [low, high] : [low - 0.5, low + 0.5];
  };
  return { ...spec, x: { ...spec.x, domain: spec.x.domain ?? reach(x) },
    y: { ...spec.y, domain: spec.y.domain ?? reach(y), nice: !spec.y.domain } };
}

// Curves beneath the others. The page marks the one under the pointer by its data-head.
export function bundle(threads: readonly Thread[]): Under {
  const usual = threads.length > 400 ? Math.max(0.12, 100 / threads.length) : 0.3;
  const faint = threads.some(each => each.bold) ? 0.7 * usual : usual;
  const draw: Markish = (_index, scales) => {
    const { x, y } = scales as { x(value: number): number; y(value: number): number };
    return svgElement('g', { fill: 'none' }, ...threads.map(each => {
      const there = (i: number) => Number.isFinite(each.y[i]);
      const d = Array.from(each.x, (at, i) =>
        (there(i) ? `${there(i - 1) ? 'L' : 'M'}${x(at)} ${y(each.y[i])}` : '')).join('');
      return svgElement('path', { class: 'thread', 'data-head': each.key, d, stroke: each.color,
        'stroke-width': each.bold ? 1.8 : 1, 'stroke-opacity': each.bold ? 0.95 : faint,
        'stroke-dasharray': each.dashes || null });
    }));
  };
  return { marks: [draw], probes: threads.flatMap(({ key, x, y, lines }) =>
    Array.from(x, (at, i) => ({ x: at, y: y[i], key, lines: () => lines(i), pointer: true }))) };
}

function band({ x: xs, low, high }: Series, color: string): Markish {
  return (_index, { x, y }) => {
    const there = (i: number) => Number.isFinite(low![i] + high![i]);
    const at = (i: number, value: number) => `${x!(xs[i])} ${y!(value)}`;
    const d = Array.from(xs, (_, i) => (there(i) && there(i + 1)
      ? `M${at(i, high![i])}L${at(i + 1, high![i + 1])}L${at(i + 1, low![i + 1])}L${at(i, low![i])}Z` : ''));
    return svgElement('path', { d: d.join(''), fill: color, 'fill-opacity': 0.18 });
  };
}

function bars(page: Page, spec: ChartSpec, data: Bar[]): SVGSVGElement {
  const draw: Markish = (_index, { x, y }) => svgElement('g', {}, ...data.map(bar => {
    const color = category(0, page.dark), left = x!(bar.from), top = y!(bar.value);
    return svgElement('rect', { x: left + 0.5, y: top, width: Math.max(0.5, x!(bar.to) - left - 1),
      height: y!(0) - top, stroke: color, fill: bar.hollow ? 'none' : color,
      'stroke-dasharray': bar.hollow ? '3 2' : null });
  }));
  const middle = (bar: Bar) => (spec.x.log ? Math.sqrt(bar.from * bar.to) : (bar.from + bar.to) / 2);
  const reach = within(spec, data.flatMap(bar => [bar.from, bar.to]), [0, ...data.map(bar => bar.value)]);
  const probes = data.map(bar => ({ x: middle(bar), y: bar.value, lines: bar.lines }));
  return build(page, reach, [draw, ruleY([0])], probes);
}

// brush: the rectangle that was drawn by the pointer, in the units of the axes.
export interface Extra { diagonal?: boolean; brush?(x: Ends, y: Ends): void }

function brushed(picture: SVGSVGElement, brush: NonNullable<Extra['brush']>): void {
  const [x, y] = scales(picture);
  const frame = svgElement('rect', { class: 'brush', 'aria-hidden': 'true' });
  let from: DOMPoint | null = null;
  const drawn = (event: PointerEvent) => {
    const to = inside(picture, event);
    return new DOMRect(from!.x, from!.y, to.x - from!.x, to.y - from!.y);
  };
  const end = () => { from = null; frame.remove(); };
  picture.addEventListener('pointerdown', event => {
    if (event.button !== 0 || event.pointerType === 'touch') return;
    from = inside(picture, event);
    picture.setPointerCapture(event.pointerId);  // a release outside ends the frame as well
  });
  picture.addEventListener('pointercancel', end);
  picture.addEventListener('pointermove', event => {
    if (!from || !event.buttons) return;
    const { left, top, right, bottom } = drawn(event);
    setAttributes(frame, { x: left, y: top, width: right - left, height: bottom - top });
    picture.append(frame);
  });
  picture.addEventListener('pointerup', event => {
    if (!from) return;
    const { left, top, right, bottom } = drawn(event);
    end();
    if (right - left < 5 && bottom - top < 5) return;
    brush([x.invert(left), x.invert(right)], [y.invert(bottom), y.invert(top)]);
  });
}

function points(page: Page, spec: ChartSpec, data: Dot[], extra: Extra = {}): SVGSVGElement {
  const end = (i: number) => spec.x.domain![i];
  const bars = { stroke: 'color', strokeOpacity: 0.5 };
  const x = (i: 0 | 1) => (each: Dot) => each.xBar![i], y = (i: 0 | 1) => (each: Dot) => each.yBar![i];
  const picture = build(page, spec, [
    extra.diagonal && spec.x.domain ? line([0, 1], { x: end, y: end, strokeOpacity: 0.6 }) : null,
    ruleY(data.filter(each => each.xBar), { ...bars, y: 'y', x1: x(0), x2: x(1) }),
    ruleX(data.filter(each => each.yBar), { ...bars, x: 'x', y1: y(0), y2: y(1) }),
    dot(data, { x: 'x', y: 'y', r: 3.2, stroke: 'color', strokeWidth: 1.4, fillOpacity: 0.75,
      symbol: ({ symbol = 0 }: Dot) => kSymbols[symbol % 8],
      fill: ({ faint, color }: Dot) => (faint ? 'none' : color),
      strokeOpacity: ({ faint }: Dot) => (faint ? 0.45 : 1) })], data);
  if (extra.brush) brushed(picture, extra.brush);
  return picture;
}

// Charts need the width of their place, so they are drawn once they are in the page: those in sight at
// once, the others when they come near, or all for printing. All places are measured first: to measure
// after a drawing would lay out the page for each chart.
const waiting = new Map<Element, () => () => void>();
const near = typeof IntersectionObserver === 'undefined' ? null : new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) waiting.get(target)?.()();
}, { rootMargin: '600px' });

export function drawCharts(all: boolean): void {
  const now: (() => void)[] = [];
  for (const [body, measure] of waiting) {
    if (!body.isConnected) waiting.delete(body);
    else if (all || body.getBoundingClientRect().top < innerHeight) now.push(measure());
    else near?.observe(body);
  }
  for (const draw of now) draw();
}

// A chart in its frame: drawn again when its width changes; its numbers as a table, and its exports.
export function chart(page: Page, title: string, rows: () => Rows, draw: (width: number) => Element,
                      picture?: () => SVGSVGElement): HTMLElement {
  const body = element('div', { class: 'chart' });
  const numbers = scrolled(`${title}, numbers`);
  setAttributes(numbers, { class: 'scroll numbers', hidden: true });
  const name = fileName('qkscope', page.state.view, title);
  const svg = () => { measure()(); return picture?.() ?? body.querySelector('svg')!; };
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
  let width = 0;
  const measure = () => {
    const now = Math.floor(body.clientWidth);
    return () => {
      if (now < 50 || now === width) return;
      width = now;
      body.replaceChildren(draw(width));
      if (!waiting.delete(body)) return;
      near?.unobserve(body);
      new ResizeObserver(() => measure()()).observe(body);
    };
  };
  waiting.set(body, measure);
  return element('figure', {}, element('figcaption', {}, title),
    element('div', { class: 'tools' }, toggle, save('SVG', () => downloadSvg(name, svg())),
      save('PNG', () => downloadPng(name, svg())), save('CSV', () => downloadCsv(name, rows()))),
    body, numbers);
}
