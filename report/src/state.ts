// What the page shows, and its text in the address: #1/head?h=12.3&m=ap_overall&pin=4.0,4.1
// The text may come from anyone: every part is checked, and what is not known is passed over.

import choices from './choices.json' with { type: 'json' };
import type { Analysis, HeadKey, Report } from './report.ts';

export const kMostPins = 6;

export interface State {
  view: string; head: HeadKey; filter: string;
  run: number;                                // which of the analyses
  metric: string; x: string; y: string;       // x and y: of Relations
  methods: string[];       // shown beside each other on the page of a head; the first is the main one
  reach: string;                              // "": all documents
  pins: HeadKey[]; selection: HeadKey[];      // without a selection: all heads
  sort: string;                               // metric id or layer, with "-" for descending
  limits: [number, number] | null;            // of colours; null: those of the metric
  plane: string; paint: string; curves: string; bars: string; dots: string; others: string;   // choices
}

export type Choice = keyof typeof choices;   // its name in the address too

export function initialState({ analyses }: Report, run = 0): State {
  const { heads, metrics, methods } = analyses[run];
  const first = (...ids: string[]) => ids.find(id => analyses[run].metric(id)) ?? metrics[0]?.id ?? '';
  return { view: 'overview', run, head: heads[0]?.key ?? '', metric: first('ap_overall'),
    x: first('position_share', 'q_R2_pos'), y: first('ap_overall'), methods: [...methods], reach: '',
    pins: [], selection: [], filter: '', sort: 'layer', limits: null, plane: 'beta', paint: 'kind',
    curves: 'layer', bars: 'hide', dots: 'layer', others: 'show' };
}

// At most 200 characters, without halves of any and without control characters.
const plain = (text: string) => Array.from(text.replace(/\p{C}/gu, '')).slice(0, 200).join('');
const words = (text: string) => [...new Set(text.split(','))];
const heads = (text: string, analysis: Analysis) => words(text).filter(key => analysis.head(key));
const metric = (text: string, analysis: Analysis) => analysis.metric(text)?.id;

// Of each field: its name in the address, how it is read (undefined: not known), and how it is written.
type Field<Value> = readonly [name: string, read: (text: string, analysis: Analysis) => Value | undefined,
  write?: (value: Value) => string];
const kFields: { readonly [K in Exclude<keyof State, 'view' | 'run' | Choice>]: Field<State[K]> } = {
  head: ['h', (text, analysis) => analysis.head(text)?.key],
  metric: ['m', metric], x: ['x', metric], y: ['y', metric],
  methods: ['by', (text, { methods }) => {
    const found = words(text).flatMap(word => methods.find(name => encodeURIComponent(name) === word) ?? []);
    return found.length ? found : undefined;
  }, names => names.map(encodeURIComponent).join(',')],  // they may hold commas
  reach: ['reach', text => /^\d{1,9}$/.exec(text)?.[0]],
  pins: ['pin', (text, analysis) => heads(text, analysis).slice(0, kMostPins)],
  selection: ['sel', heads],
  filter: ['f', plain, plain],
  sort: ['s', (text, analysis) =>
    (/^-?(layer|window)$/.test(text) || analysis.metric(text.replace(/^-/, '')) ? text : undefined)],
  limits: ['c', text => {
    const [low, high, ...more] = text.split('~').map(Number);
    return Number.isFinite(high - low) && low < high && !more.length ? [low, high] : undefined;
  }, ends => ends?.join('~') ?? ''],
};
const kChoices = Object.entries(choices).map(([name, { options }]) =>
  [name, [name, (text: string) => options.find(([value]) => value === text)?.[0]]]);
const kAll = [...Object.entries(kFields), ...kChoices] as [keyof State, Field<any>][];

// Unknown parts are ignored; the rest is that of `initialState`.
export function parseHash(hash: string, report: Report, views: readonly string[]): State {
  const [, view, query] = /^#?1\/([a-z]+)(?:\?(.*))?$/s.exec(hash.slice(0, 20000)) ?? [];
  const parts = new URLSearchParams(query ?? '');
  const run = Number(parts.get('run') ?? 0);
  const state = initialState(report, report.analyses[run] ? run : 0);
  if (views.includes(view)) state.view = view;
  for (const [key, [name, read]] of kAll) {
    const text = parts.get(name);
    const value = text === null ? undefined : read(text, report.analyses[state.run]);
    if (value !== undefined) Object.assign(state, { [key]: value });
  }
  return state;
}

// Only what differs from the initial state.
export function formatHash(state: State, report: Report): string {
  const parts = (of: State): [string, string][] => [['run', of.run ? String(of.run) : ''],
    ...kAll.map(([key, [name, , write = String]]): [string, string] => [name, write(of[key])])];
  const usual = parts({ ...initialState(report, state.run), run: 0 });
  const text = parts(state).filter(([, value], i) => value !== usual[i][1])
    .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(/%2C|%3A/g, decodeURIComponent)}`);
  return `#1/${state.view}${text.length ? `?${text.join('&')}` : ''}`;
}
