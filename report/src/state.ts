// What the page shows, and its text in the address: #1/head?h=12.3&m=ap_overall&pin=4.0,4.1
// The text may come from anyone: every part is checked, and what is not known is passed over.

import type { HeadKey, Report } from './report.ts';

export const kMostPins = 6;

// Choices of single views: the first is the default, others are in the address by their name.
export const kChoices = {
  plane: ['beta', 'joint', 'rope'],
  paint: ['kind', 'position', 'bucket', 'document'],
  curves: ['layer', 'trend'],
  bars: ['hide', 'show'],
  dots: ['layer', 'metric'],
  others: ['show', 'hide'],
} as const satisfies Record<string, readonly string[]>;
export type Choice = keyof typeof kChoices;

export interface State {
  view: string;
  run: number;             // which of the analyses
  head: HeadKey;
  metric: string;
  x: string;               // of Relations
  y: string;
  methods: string[];       // shown beside each other on the page of a head; the first is the main one
  reach: string;           // "": all documents
  pins: HeadKey[];
  selection: HeadKey[];    // empty: all heads
  filter: string;
  sort: string;            // metric id or layer, with "-" for descending
  limits: [number, number] | null;  // of colours; null: those of the metric
  choice: Record<Choice, string>;
}

export function initialState(report: Report): State {
  const analysis = report.analyses[0];
  const { heads, metrics, methods } = analysis;
  const choice = Object.fromEntries(Object.entries(kChoices).map(([name, values]) => [name, values[0]]));
  const first = analysis.metric('ap_overall') ? 'ap_overall' : metrics[0]?.id ?? '';
  const other = analysis.metric('position_share') ?? analysis.metric('q_R2_pos') ?? metrics[0];
  return { view: 'overview', run: 0, head: heads[0]?.key ?? '', metric: first, x: other?.id ?? '', y: first,
    methods: [...methods], reach: '', pins: [], selection: [], filter: '', sort: 'layer', limits: null,
    choice: choice as Record<Choice, string> };
}

const kHash = /^#?1\/([a-z]+)(?:\?(.*))?$/s;

// Unknown parts are ignored; the rest is that of `initialState`.
export function parseHash(hash: string, report: Report, views: readonly string[]): State {
  const state = initialState(report);
  const match = kHash.exec(hash.slice(0, 20000));
  if (!match) return state;
  if (views.includes(match[1])) state.view = match[1];
  const parts = new URLSearchParams(match[2] ?? '');
  const run = Number(parts.get('run') ?? 0);
  if (report.analyses[run]) state.run = run;
  const analysis = report.analyses[state.run];
  const keys = (text: string | null, most: number) =>
    [...new Set((text ?? '').split(','))].filter(key => analysis.head(key)).slice(0, most);
  const known = (id: string | null, fallback: string) => (id !== null && analysis.metric(id) ? id : fallback);
  state.head = keys(parts.get('h'), 1)[0] ?? state.head;
  state.metric = known(parts.get('m'), state.metric);
  state.x = known(parts.get('x'), state.x);
  state.y = known(parts.get('y'), state.y);
  const methods = [...new Set((parts.get('by') ?? '').split(','))]
    .flatMap(text => analysis.methods.find(name => encodeURIComponent(name) === text) ?? []);
  state.methods = methods.length ? methods : [...analysis.methods];
  if (/^\d{1,9}$/.test(parts.get('reach') ?? '')) state.reach = parts.get('reach')!;
  state.pins = keys(parts.get('pin'), kMostPins);
  state.selection = keys(parts.get('sel'), analysis.heads.length);
  state.filter = (parts.get('f') ?? '').replace(/\p{C}/gu, '').slice(0, 200);
  const sort = parts.get('s') ?? '';
  if (known(sort.replace(/^-/, ''), '') || /^-?(layer|window)$/.test(sort)) state.sort = sort;
  const limits = (parts.get('c') ?? '').split('~').map(Number);
  if (limits.length === 2 && limits.every(Number.isFinite) && limits[0] < limits[1]) {
    state.limits = [limits[0], limits[1]];
  }
  for (const [name, values] of Object.entries(kChoices)) {
    const value = parts.get(name) ?? '';
    if ((values as readonly string[]).includes(value)) state.choice[name as Choice] = value;
  }
  return state;
}

const encoded = (names: readonly string[]) => names.map(encodeURIComponent).join(',');  // they may hold commas

// Only what differs from the initial state.
export function formatHash(state: State, report: Report): string {
  const initial = initialState(report);
  const methods = report.analyses[state.run].methods;
  const parts: [string, string, string][] = [
    ['run', String(state.run), '0'], ['h', state.head, initial.head], ['m', state.metric, initial.metric],
    ['x', state.x, initial.x], ['y', state.y, initial.y],
    ['by', encoded(state.methods), encoded(methods)], ['reach', state.reach, ''],
    ['pin', state.pins.join(','), ''], ['sel', state.selection.join(','), ''],
    ['f', state.filter, ''], ['s', state.sort, initial.sort], ['c', state.limits?.join('~') ?? '', ''],
    ...Object.entries(state.choice).map(([name, value]) =>
      [name, value, initial.choice[name as Choice]] as [string, string, string]),
  ];
  const text = parts.filter(([, value, usual]) => value !== usual)
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%2C', ',').replaceAll('%3A', ':')}`);
  return `#1/${state.view}${text.length ? `?${text.join('&')}` : ''}`;
}
