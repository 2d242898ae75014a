// The curves of many heads on a canvas, under a chart with axes, the mean and single curves.

import { lines, type ChartSpec, type Series } from './chart.ts';
import { element, svgElement } from './dom.ts';
import { exact } from './format.ts';
import { headName, type Head } from './report.ts';
import type { Page } from './view.ts';

export interface Thread { head: Head; color: string; dashes: string; bold: boolean; x: number[]; y: number[]; documents: number[] }

interface Placed { thread: Thread; px: number[]; py: number[] }

// Every head has a path of its own: lines of one path do not darken each other where they cross.
function paint(canvas: HTMLCanvasElement, placed: Placed[], width: number, height: number): void {
  const dots = Math.min(devicePixelRatio || 1, 2);
  [canvas.width, canvas.height] = [width * dots, height * dots];
  const context = canvas.getContext('2d')!;
  context.scale(dots, dots);
  context.lineJoin = 'round';
  const usual = placed.length > 400 ? Math.max(0.12, 100 / placed.length) : 0.3;
  const faint = placed.some(each => each.thread.bold) ? 0.7 * usual : usual;
  for (const { thread, px, py } of [...placed].sort((a, b) => Number(a.thread.bold) - Number(b.thread.bold))) {
    context.globalAlpha = thread.bold ? 0.95 : faint;
    context.lineWidth = thread.bold ? 1.8 : 1;
    context.strokeStyle = thread.color;
    context.setLineDash(thread.dashes ? thread.dashes.split(' ').map(Number) : []);
    context.beginPath();
    py.forEach((y, i) => {
      if (Number.isNaN(y)) return;
      if (i > 0 && !Number.isNaN(py[i - 1])) context.lineTo(px[i], y);
      else context.moveTo(px[i], y);
    });
    context.stroke();
  }
}

// The head whose curve is nearest to a point, at most 8 pixels above or below it.
export function nearestThread(placed: Placed[], x: number, y: number): { placed: Placed; at: number } | null {
  let best: { placed: Placed; at: number } | null = null, least = 8;
  for (const each of placed) {
    const next = each.px.findIndex(px => px >= x);
    if (next < 0) continue;
    const last = Math.max(next - 1, 0), run = each.px[next] - each.px[last];
    const part = run > 0 ? (x - each.px[last]) / run : 0;
    const off = Math.abs(each.py[last] + part * (each.py[next] - each.py[last]) - y);
    if (off < least) [best, least] = [{ placed: each, at: part < 0.5 ? last : next }, off];
  }
  return best;
}

export interface BundleView { root: HTMLElement; picture(): SVGSVGElement }

export function bundle(page: Page, spec: ChartSpec, threads: Thread[], series: Series[]): BundleView {
  const picture = lines(page, spec, series) as SVGSVGElement & { scale(name: string): { apply(value: number): number } };
  const x = picture.scale('x'), y = picture.scale('y');
  const placed = threads.map(thread => ({ thread, px: thread.x.map(value => x.apply(value)), py: thread.y.map(value => y.apply(value)) }));
  const { width, height } = spec;
  const canvas = element('canvas', { 'aria-hidden': 'true' }), over = element('canvas', { 'aria-hidden': 'true', class: 'over' });
  paint(canvas, placed, width, height);
  const root = element('div', { class: 'bundle' }, canvas, picture, over);
  let shown: Placed | null = null;
  const find = (event: MouseEvent) => {
    const box = root.getBoundingClientRect(), scale = box.width / width || 1;
    return nearestThread(placed, (event.clientX - box.left) / scale, (event.clientY - box.top) / scale);
  };
  root.addEventListener('pointermove', event => {
    const found = find(event);
    if (found?.placed !== shown) {
      shown = found?.placed ?? null;
      paint(over, shown ? [{ ...shown, thread: { ...shown.thread, bold: true } }] : [], width, height);
    }
    if (!found) return;
    const { thread } = found.placed;
    page.hover(thread.head.key);
    page.tip([headName(thread.head), `${spec.x.label}: ${exact(thread.x[found.at])}`, `${spec.y.label}: ${exact(thread.y[found.at])}`,
      Number.isNaN(thread.documents[found.at]) ? '' : `documents: ${thread.documents[found.at]}`], { x: event.clientX, y: event.clientY });
  });
  root.addEventListener('pointerleave', () => { shown = null; paint(over, [], width, height); page.tip(null); });
  root.addEventListener('click', event => {
    const found = find(event);
    if (found) page.open(found.placed.thread.head.key, event);
  });
  return { root, picture: () => {
    const copy = picture.cloneNode(true) as SVGSVGElement;
    copy.prepend(svgElement('image', { href: canvas.toDataURL('image/png'), width, height }));
    return copy;
  } };
}
