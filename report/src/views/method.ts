// What every number means, and where it comes from.

import files from '../files.json' with { type: 'json' };
import { element, table } from '../dom.ts';
import { exact } from '../format.ts';
import { kFewDocuments, type Analysis } from '../report.ts';
import type { Page, View } from '../view.ts';

const kReading = [
  'A query head sees keys at earlier positions. Positions are sorted into buckets; a cell is a bucket of queries and an earlier bucket of keys.',
  'Plasticity says how open it is which of two keys a query prefers: 4 p (1 - p), with p the probability that a query of the bucket scores the first key higher. 1: either may win; 0: the same one always wins.',
  'The methods differ in how p is estimated. bucket takes the queries of a bucket as normal, with their own mean and covariance. counted counts captured queries and assumes nothing. linear assumes a straight line in position, which RoPE breaks. online follows recent queries, and answers another question.',
  'Intervals come from leaving out, or drawing, whole documents. They tell how far a number would move with other documents, not whether the model of the method fits: compare the methods for that.',
  `What rests on fewer than ${kFewDocuments} documents is hatched, hollow or dotted. A cell of one document is the value of that text.`,
  'Colours reach from the 2nd to the 98th percentile of the heads unless you set other limits; values beyond have the colour of the end. The ramp cividis reads the same with each kind of colour vision.',
  'Nothing is estimated in this page: it sorts, filters and draws what the files hold. The one exception are means over selected heads, which say so, and have no interval.',
  'With 270 heads and no true difference about 13 have a 95 % interval that excludes it. Choose the metric before looking, or use qkscope compare, which corrects for the number of heads.',
];

function scrolled(label: string, content: HTMLElement): HTMLElement {
  return element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, content);
}

function commands(analysis: Analysis): string[] {
  const { configured } = analysis.record;
  const options = Object.entries(configured ?? {}).filter(([name]) => name !== 'dataset' && name !== 'output_dir')
    .map(([name, value]) => ` --${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`).join('');
  return [`qkscope analyze ${configured?.dataset ?? 'DATASET'}${options} --output_dir ${analysis.name || 'RESULTS'}`,
    `qkscope report ${analysis.name || 'RESULTS'}`,
    `qkscope plot plasticity --bucket_csv ${analysis.name || 'RESULTS'}/head_bucket_plasticity.csv`,
    `qkscope plot heatmap --bucket_csv ${analysis.name || 'RESULTS'}/head_bucket_plasticity.csv`,
    `qkscope plot distance --detail_csv ${analysis.name || 'RESULTS'}/head_bucket_details.csv`];
}

export const method: View = {
  id: 'method',
  title: 'Method',
  unavailable: () => null,
  render(root: HTMLElement, page: Page) {
    const { analysis, report } = page;
    const text = (file: string) => (Object.hasOwn(files, file) ? (files as Record<string, string[]>)[file][1] : '');
    root.append(
      element('h3', {}, 'How to read this page'), element('ul', { class: 'lead' }, ...kReading.map(line => element('li', {}, line))),
      element('h3', {}, 'Metrics'), scrolled('Metrics', table('Metrics of a head, and the files that hold them',
        ['metric', 'column', 'file', 'unit', 'meaning'],
        analysis.metrics.map(metric => [metric.label, metric.id, metric.file, metric.unit, metric.definition]))),
      element('h3', {}, 'Files'), scrolled('Files', table(`Files of ${analysis.name || 'the analysis'}, and their digests`,
        ['file', 'meaning', 'bytes', 'sha256'],
        analysis.files.map(({ name, bytes, sha256 }) => [name, text(name), exact(bytes), sha256]))),
      element('h3', {}, 'Commands'), element('p', {}, 'The analysis, this page, and the same figures for a paper:'),
      scrolled('Commands', element('pre', {}, commands(analysis).join('\n'))),
      element('h3', {}, 'Record of the analysis'),
      scrolled('Record', element('pre', {}, JSON.stringify(analysis.record, null, 2))),
      element('p', { class: 'note' }, `Written by ${report.program || 'qkscope'}. The page asks nothing of the network.`));
  },
};
