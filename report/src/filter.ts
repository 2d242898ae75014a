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
const kLimit = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/;
const kWord = /^([^:]+):(.+)$/;
const kAliases: Record<string, string> = { ap: 'ap_overall', r2: 'q_R2_pos', share: 'position_share' };
export const kWords = ['layer', 'head', 'key', 'window', 'group', 'warning', 'pinned', 'selected'];

export function findMetric(name: string, analysis: Analysis): string | string[] {
  const ids = analysis.metrics.map(metric => metric.id);
  const lower = name.toLowerCase();
  const alias = Object.hasOwn(kAliases, lower) ? kAliases[lower] : name;
  for (const test of [(id: string) => id === alias, (id: string) => id.toLowerCase() === lower,
    (id: string) => id.toLowerCase().startsWith(lower), (id: string) => id.toLowerCase().includes(lower)]) {
    const found = ids.filter(test);
    if (found.length === 1) return found[0];
    if (found.length > 1) return found;
  }
  return [];
}

// "10-20,25"; null: not numbers.
function ranges(text: string): ((value: number) => boolean) | null {
  const parts = text.split(',').map(part => /^(\d+)(?:-(\d+))?$/.exec(part));
  if (!parts.every(part => part !== null)) return null;
  return value => parts.some(part => value >= Number(part![1]) && value <= Number(part![2] ?? part![1]));
}

function wordTest(word: string, value: string, analysis: Analysis, state: State): Test | string {
  const yes = value === 'yes' || (value === 'no' ? false : undefined);
  const among = ranges(value);
  const bool = (test: Test): Test | string => (yes === undefined ? `${word}: takes yes or no` : head => test(head) === yes);
  const number = (get: (head: Head) => number): Test | string =>
    among ? head => among(get(head)) : `${word}: takes numbers and ranges, such as 3 or 10-20,25`;
  switch (word) {
    case 'layer': return number(head => head.layer);
    case 'head': return number(head => head.q);
    case 'key': return number(head => head.k);
    case 'window': return yes === undefined ? number(head => head.window) : head => !Number.isNaN(head.window) === yes;
    case 'pinned': return bool(head => state.pins.includes(head.key));
    case 'selected': return bool(head => state.selection.includes(head.key));
    case 'warning': {
      if (yes !== undefined) return head => (analysis.warnings(head).length > 0) === yes;
      return head => analysis.warnings(head).some(text => text.toLowerCase().includes(value.toLowerCase()));
    }
    case 'group': {
      const match = /^l(\d+)k(\d+)$/i.exec(value);
      if (!match) return 'group: takes a layer and a key head, such as l3k1';
      return head => head.layer === Number(match[1]) && head.k === Number(match[2]);
    }
  }
  return `${word}: is not known; known are ${kWords.join(', ')}`;
}

function metricTest(name: string, sign: string, text: string, analysis: Analysis): Test | string {
  const found = findMetric(name, analysis);
  if (typeof found !== 'string') {
    return found.length ? `${name} could be ${found.slice(0, 4).join(', ')}` : `${name} is not the name of a metric`;
  }
  const limit = Number(text);
  if (!/^[-+.\d]/.test(text) || Number.isNaN(limit)) return `${text} is not a number`;
  const { values } = analysis.metric(found)!;
  switch (sign) {
    case '<': return head => values[head.row] < limit;
    case '<=': return head => values[head.row] <= limit;
    case '>': return head => values[head.row] > limit;
    case '>=': return head => values[head.row] >= limit;
  }
  return head => values[head.row] === limit;
}

export function compile(text: string, analysis: Analysis, state: State): Filter {
  const tests: Test[] = [];
  let problem: string | null = null;
  for (const term of text.split(/\s+/).filter(Boolean)) {
    const negated = term.startsWith('-');
    const bare = negated ? term.slice(1) : term;
    const limit = kLimit.exec(bare), word = kWord.exec(bare);
    const named = /^(?:l(\d+)h(\d+)|(\d+)\.(\d+))$/i.exec(bare);
    let test: Test | string = `${bare} is not understood: a term is a metric with a limit, or a word with a colon`;
    if (named) test = head => head.key === `${Number(named[1] ?? named[3])}.${Number(named[2] ?? named[4])}`;
    else if (limit) test = metricTest(limit[1], limit[2], limit[3], analysis);
    else if (word) test = wordTest(word[1].toLowerCase(), word[2], analysis, state);
    if (typeof test === 'string') problem ??= `${test}.`;
    else tests.push(negated ? head => !(test as Test)(head) : test);
  }
  return { test: head => tests.every(test => test(head)), problem };
}

// By "layer", "window" or a metric; "-" before it: descending. Heads without a value come last.
export function sorted(heads: readonly Head[], analysis: Analysis, sort: string): Head[] {
  const down = sort.startsWith('-') ? -1 : 1;
  const name = sort.replace(/^-/, '');
  const values = analysis.metric(name)?.values;
  const value = name === 'window' ? (head: Head) => head.window
    : values ? (head: Head) => values[head.row] : (head: Head) => head.layer;
  return [...heads].sort((a, b) => {
    const x = value(a), y = value(b);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a.row - b.row;
    return down * (x - y) || a.row - b.row;
  });
}
