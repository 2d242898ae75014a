// The filter language of the list of heads, and its order.
//
//   ap<0.5 R2>0.05 layer:10-20 window:yes group:l3k1 -warning:yes l12h3
//
// All terms must hold; a minus negates a term. Names of metrics may be shortened.

import type { Analysis, Head } from './report.ts';
import type { State } from './state.ts';

export interface Filter {
  test(head: Head): boolean;
  problem: string | null;   // a sentence; the terms that are understood still count
}

type Test = (head: Head) => boolean;
// A word before a colon: its test, or what it takes if the value behind the colon is nothing of that.
type Word = (value: string, analysis: Analysis, state: State) => Test | string;

const flag = (holds: (head: Head, analysis: Analysis, state: State) => boolean): Word => (value, ...given) =>
  (/^(yes|no)$/.test(value) ? head => holds(head, ...given) === (value === 'yes') : 'takes yes or no');

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

const kWords: Record<string, Word> = {
  layer: number(head => head.layer), head: number(head => head.q), key: number(head => head.k),
  window: either(flag(head => !Number.isNaN(head.window)), number(head => head.window)),
  group: value => {
    const [, layer, key] = /^l(\d+)k(\d+)$/i.exec(value) ?? [];
    if (!layer) return 'takes a layer and a key head, such as l3k1';
    return head => head.layer === Number(layer) && head.k === Number(key);
  },
  warning: either(flag((head, analysis) => analysis.warnings(head).length > 0), (value, analysis) => head =>
    analysis.warnings(head).some(text => text.toLowerCase().includes(value.toLowerCase()))),
  pinned: flag((head, _, state) => state.pins.includes(head.key)),
  selected: flag((head, _, state) => state.selection.includes(head.key)),
};

const kSigns: Record<string, (value: number, limit: number) => boolean> = {
  '<': (value, limit) => value < limit, '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit, '>=': (value, limit) => value >= limit,
  '=': (value, limit) => value === limit,
};
const kAliases = new Map([['ap', 'ap_overall'], ['r2', 'q_R2_pos'], ['share', 'position_share']]);

// The metric that a name means, or all that it could mean.
export function findMetric(name: string, analysis: Analysis): string | string[] {
  const lower = name.toLowerCase(), alias = kAliases.get(lower) ?? name;
  const tests: ((id: string) => boolean)[] = [id => id === alias, id => id.toLowerCase() === lower,
    id => id.toLowerCase().startsWith(lower), id => id.toLowerCase().includes(lower)];
  const ids = analysis.metrics.map(metric => metric.id);
  const found = tests.map(test => ids.filter(test)).find(some => some.length) ?? [];
  return found.length === 1 ? found[0] : found;
}

function metricTest(name: string, sign: string, text: string, analysis: Analysis): Test | string {
  const found = findMetric(name, analysis), limit = Number(text);
  if (typeof found !== 'string') {
    const some = found.slice(0, 4).join(', ');
    return some ? `${name} could be ${some}` : `${name} is not the name of a metric`;
  }
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
  const name = word.toLowerCase();
  const test = Object.hasOwn(kWords, name) ? kWords[name](value, analysis, state)
    : `is not known; known are ${Object.keys(kWords).join(', ')}`;
  return typeof test === 'string' ? `${name}: ${test}` : test;
}

export function compile(text: string, analysis: Analysis, state: State): Filter {
  const tests: Test[] = [];
  let problem: string | null = null;
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const negated = term.startsWith('-');
    const test = termTest(negated ? term.slice(1) : term, analysis, state);
    if (typeof test === 'string') problem ??= `${test}.`;
    else tests.push(head => test(head) !== negated);
  }
  return { test: head => tests.every(test => test(head)), problem };
}

// By "layer", "window" or a metric; "-" before it: descending. Heads without a value come last.
export function sorted(heads: readonly Head[], analysis: Analysis, sort: string): Head[] {
  const down = sort.startsWith('-') ? -1 : 1, name = sort.replace(/^-/, '');
  const values = analysis.metric(name)?.values;
  const value = (head: Head) => (name === 'window' ? head.window : values ? values[head.row] : head.layer);
  return [...heads].sort((a, b) => Number(Number.isNaN(value(a))) - Number(Number.isNaN(value(b))) ||
    down * (value(a) - value(b)) || a.row - b.row);
}
