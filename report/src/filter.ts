// The filter language of the list of heads, and its order.
//
//   ap<0.5 R2>0.05 layer:10-20 window:yes group:l3k1 -warning:yes l12h3
//
// All terms must hold; a minus negates a term. Names of metrics may be shortened.

import type { Analysis, Head } from './report.ts';
import type { State } from './state.ts';

type Test = (head: Head) => boolean;
// A word before a colon: its test, or what it takes if the value behind the colon is nothing of that.
type Word = (value: string, state: State) => Test | string;

const flag = (holds: (head: Head, state: State) => boolean): Word => (value, state) =>
  (/^(yes|no)$/.test(value) ? head => holds(head, state) === (value === 'yes') : 'takes yes or no');

// "10-20,25"
const number = (of: (head: Head) => number): Word => value => {
  const parts = value.split(',').map(part => /^(\d+)(?:-(\d+))?$/.exec(part));
  if (parts.includes(null)) return 'takes numbers and ranges, such as 3 or 10-20,25';
  return head => parts.some(part => of(head) >= Number(part![1]) && of(head) <= Number(part![2] ?? part![1]));
};

const either = (one: Word, other: Word): Word => (...given) => {
  const test = one(...given);
  return typeof test === 'string' ? other(...given) : test;
};

const kWords = new Map<string, Word>(Object.entries({
  layer: number(head => head.layer), head: number(head => head.q), key: number(head => head.k),
  window: either(flag(head => !Number.isNaN(head.window)), number(head => head.window)),
  group: (value: string) => {
    const [, layer, key] = /^l(\d+)k(\d+)$/i.exec(value) ?? [];
    return layer ? (head: Head) => head.layer === Number(layer) && head.k === Number(key)
      : 'takes a layer and a key head, such as l3k1';
  },
  warning: either(flag(head => head.warnings.length > 0), value => head =>
    head.warnings.some(text => text.toLowerCase().includes(value.toLowerCase()))),
  pinned: flag((head, state) => state.pins.includes(head.key)),
  selected: flag((head, state) => state.selection.includes(head.key)),
}));

const kSigns: Record<string, (value: number, limit: number) => boolean> = {
  '<': (value, limit) => value < limit, '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit, '>=': (value, limit) => value >= limit,
  '=': (value, limit) => value === limit,
};
const kAliases = new Map([['ap', 'ap_overall'], ['r2', 'q_R2_pos'], ['share', 'position_share']]);

// The metric that a name means, or all that it could mean.
export function findMetric(name: string, { metrics }: Analysis): string | string[] {
  const lower = name.toLowerCase(), alias = kAliases.get(lower) ?? name;
  const tests: ((id: string) => boolean)[] = [id => id === alias, id => id.toLowerCase() === lower,
    id => id.toLowerCase().startsWith(lower), id => id.toLowerCase().includes(lower)];
  const found = tests.map(test => metrics.map(({ id }) => id).filter(test)).find(some => some.length) ?? [];
  return found.length === 1 ? found[0] : found;
}

function metricTest(name: string, sign: string, text: string, analysis: Analysis): Test | string {
  const found = findMetric(name, analysis), limit = Number(text);
  if (!found.length) return `${name} is not the name of a metric`;
  if (typeof found !== 'string') return `${name} could be ${found.slice(0, 4).join(', ')}`;
  if (!/^[-+.\d]/.test(text) || Number.isNaN(limit)) return `${text} is not a number`;
  const { values } = analysis.metric(found)!;
  return head => kSigns[sign](values[head.row], limit);
}

function termTest(term: string, analysis: Analysis, state: State): Test | string {
  const named = /^(?:l(\d+)h(\d+)|(\d+)\.(\d+))$/i.exec(term);
  if (named) return head => head.key === `${Number(named[1] ?? named[3])}.${Number(named[2] ?? named[4])}`;
  const limit = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/.exec(term);
  if (limit) return metricTest(limit[1], limit[2], limit[3], analysis);
  const [, word, value] = /^([^:]+):(.+)$/.exec(term) ?? [];
  if (!word) return `${term} is not understood: a term is a metric with a limit, or a word with a colon`;
  const known = [...kWords.keys()].join(', ');
  const test = kWords.get(word.toLowerCase())?.(value, state) ?? `is not known; known are ${known}`;
  return typeof test === 'string' ? `${word}: ${test}` : test;
}

// `problem`: a sentence; the terms that are understood still count.
export function compile(text: string, analysis: Analysis, state: State) {
  const tests: Test[] = [];
  let problem: string | null = null;
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const negated = term.startsWith('-');
    const test = termTest(negated ? term.slice(1) : term, analysis, state);
    if (typeof test === 'string') problem ??= `${test}.`;
    else tests.push(head => test(head) !== negated);
  }
  return { test: (head: Head) => tests.every(test => test(head)), problem };
}

// By "layer", "window" or a metric; "-" before it: descending. Heads without a value come last.
export function sorted(heads: readonly Head[], analysis: Analysis, sort: string): Head[] {
  const down = sort.startsWith('-') ? -1 : 1, name = sort.replace(/^-/, '');
  const values = analysis.metric(name)?.values;
  const value = (head: Head) => (name === 'window' ? head.window : values ? values[head.row] : head.layer);
  return [...heads].sort((a, b) => Number(Number.isNaN(value(a))) - Number(Number.isNaN(value(b))) ||
    down * (value(a) - value(b)) || a.row - b.row);
}
