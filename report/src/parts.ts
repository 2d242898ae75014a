// Pieces that several views share: legends, rows of controls, sentences.

import choices from './choices.json' with { type: 'json' };
import { category, fill, ink, kDashes, kSymbolPaths, kSymbols } from './color.ts';
import { checkbox, element, onKeys, select, setAttributes, svgElement } from './dom.ts';
import type { Child, Pair } from './dom.ts';
import { short } from './format.ts';
import help from './help.json' with { type: 'json' };
import { kFiles, type Analysis, type Head, type HeadKey, type Metric } from './report.ts';
import type { Choice, State } from './state.ts';
import type { Page } from './view.ts';

// Which command makes a table that is not there; null: it is there.
export function lacks(analysis: Analysis, name: string): string | null {
  return analysis.table(name) ? null : needs(analysis, name);
}

export const needs = (analysis: Analysis, name: string): string =>
  `This needs ${kFiles[name]}, which the analysis ${analysis.name} does not have. ` +
    `The command that makes it: ${analysis.command(kFiles[name])}`;

export const section = (title: string, ...children: Child[]) =>
  element('section', {}, element('h3', {}, title), ...children);

export const controls = (...children: Child[]) => element('div', { class: 'controls' }, ...children);
export const warning = (text: string) => element('p', { class: 'warning' }, text);
export const remark = (text: string) => element('p', { class: 'note' }, text);
// What is left out, and why, in the place of a figure.
export const gap = (title: string, why: string) => section(title, remark(why));

// In the place of what cannot be drawn.
export function broken(error: unknown): HTMLElement {
  console.warn(error);
  return element('p', { class: 'warning', role: 'alert' }, help.broken);
}

// What has parts: a tooltip for the one under the pointer or with the focus, which overlaps it so that the
// pointer can reach it. A click or Enter opens a head, other keys move.
export interface Part { key?: HeadKey; lines(): readonly string[] }
export function listenTo<Step>(page: Page, root: HTMLElement, selector: string,
    find: (node: HTMLElement) => Part | null, steps: Readonly<Record<string, Step>>,
    move: (step: Step, event: KeyboardEvent) => void): void {
  const nodeOf = ({ target }: Event) => (target as Element).closest<HTMLElement>(selector);
  const hide = () => page.tip(null);
  const show = (event: Event) => {
    const node = nodeOf(event), part = node && find(node);
    if (!part) return hide();
    const { left, right, bottom } = node.getBoundingClientRect();
    page.tip(part.lines(), { x: Math.min(right, left + 420) - 8, y: bottom - 8 }, part.key);
  };
  const open = (event: MouseEvent | KeyboardEvent) => {
    const node = nodeOf(event), key = node && find(node)?.key;
    if (key && !(event.target as Element).closest('button')) page.open(key, event);
  };
  setAttributes(root, { onpointerover: show, onfocusin: show, onpointerleave: hide, onfocusout: hide,
    onclick: open });
  onKeys(root, steps, move, open);
}

// A word of a command, as the program quotes it (shell_word).
export const word = (text: string) => (/^[\w./,:@=-]+$/.test(text) ? text
  : `'${text.replace(/[\0-\x1f\x7f]/g, '?').replaceAll("'", "'\\''")}'`);

// The command that draws the same figure for a paper, if its table is there.
export function command({ analysis }: Page, figure: string, options = ''): HTMLElement | null {
  const text = analysis.commands.find(each => each.startsWith(`qkscope plot ${figure} `));
  return text ? element('section', {}, remark('The same figure for a paper:'),
    element('pre', { class: 'command' }, `${text} ${options}`.trim())) : null;
}

// A choice of a single view (choices.json): a list, or a box, which is checked if it is the second one.
export const choose = (page: Page, name: Choice) => select(name, choices[name].label,
  choices[name].options as Pair[], page.state[name], value => page.go({ [name]: value }));

export function chooseIf(page: Page, name: Choice): HTMLElement {
  const { label, options: [[off], [on]] } = choices[name];
  return checkbox(name, label, page.state[name] === on, checked => page.go({ [name]: checked ? on : off }));
}

export const metricOptions = (metrics: readonly Metric[]): Pair[] =>
  metrics.map(({ id, label }) => [id, label === id ? id : `${label} (${id})`]);

// `change`: of the state, beside the metric.
export function chooseMetric(page: Page, metrics: readonly Metric[], shown: Metric,
                             change: (id: string) => Partial<State> = () => ({})): HTMLElement {
  return select('metric', 'Metric', metricOptions(metrics), shown.id,
    metric => page.go({ metric, limits: null, ...change(metric) }));
}

// The method that heads are shown by: the first of those that are chosen.
export const methodOf = ({ analysis: { methods }, state }: Page) =>
  methods.find(name => name === state.methods[0]) ?? methods[0];

export function methodChoice(page: Page): HTMLElement | null {
  const { methods } = page.analysis;
  if (methods.length < 2) return null;
  return select('method', 'Method', methods.map(name => [name, name] as const), page.state.methods[0],
    name => page.go({ methods: [name, ...page.state.methods.filter(other => other !== name)] }));
}

// "": all documents; the others are buckets that are reached.
export function reachChoice(page: Page, reaches: string[]): HTMLElement | null {
  if (reaches.every(reach => reach === '')) return null;
  const options = reaches.filter(Boolean).map(reach => [reach, `those that reach bucket ${reach}`] as const);
  return select('reach', 'Documents', [['', 'all'], ...options], page.state.reach,
    reach => page.go({ reach }));
}

// A series of a chart is one. shape: without a line; dashes: others than those of the style.
export interface Entry { name: string; style: number; symbols?: boolean; low?: unknown; shape?: string;
  dashes?: string }

// Beside each name: its colour and dashes, its symbol unless `symbols` is false, a band if there is `low`.
export function legend(page: Page, entries: readonly Entry[]): HTMLElement {
  return element('ul', { class: 'legend' }, ...entries.map(entry => {
    const { name, style, symbols = true, low, shape, dashes } = entry;
    const color = category(style, page.dark), middle = shape ? 6 : 17;
    const line = { stroke: color, 'stroke-width': 2, 'stroke-dasharray': dashes ?? kDashes[style % 8] };
    const d = kSymbolPaths[shape ?? kSymbols[style % 8]];
    return element('li', {}, svgElement('svg', { width: shape ? 12 : 34, height: 12, 'aria-hidden': 'true' },
      low ? svgElement('rect', { width: 34, height: 12, fill: color, 'fill-opacity': 0.18 }) : null,
      !shape && svgElement('path', { d: 'M0 6H34', ...line }),
      symbols && svgElement('path', { d, transform: `translate(${middle} 6)`, fill: color, stroke: color,
        'stroke-width': 1.4 })), name);
  }));
}

// A bar of colours, 144 wide.
export const colorBar = (color: (t: number) => string, x = 0, y = 0) => Array.from({ length: 36 }, (_, i) =>
  svgElement('rect', { x: x + 4 * i, y, width: 4.3, height: 12, fill: color((i + 0.5) / 36) }));

// A scale of colours with its ends. `points`: the ramp of lines and points.
export function ramp(page: Page, label: string, [low, high]: readonly [number, number],
                     { signed = false, points = false } = {}): HTMLElement {
  const color = points ? ink : fill;
  const picture = svgElement('svg', { width: 144, height: 12, viewBox: '0 0 144 12', role: 'img',
    preserveAspectRatio: 'none', 'aria-label': `${label} from ${short(low)} to ${short(high)}` },
  ...colorBar(t => color(t, page.dark, signed)));
  return element('div', { class: 'legend' },
    ...[label, short(low), picture, short(high)].map(part => part && element('span', {}, part)));
}

export const windowText = ({ window }: Head) =>
  (Number.isNaN(window) ? 'no window' : `window of ${short(window)} tokens`);
