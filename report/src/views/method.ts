// What every number means, and where it comes from.

import reading from '../reading.json' with { type: 'json' };
import { element, scrolled, table } from '../dom.ts';
import { exact } from '../format.ts';
import { remark, section } from '../parts.ts';
import { fileText, kFiles, type Analysis } from '../report.ts';
import { flags, path } from '../shell.ts';
import type { Page, View } from '../view.ts';

// Fields of the configuration that the command names by itself.
const kGiven = ['dataset', 'dataset_local_root', 'dataset_name', 'dataset_revision', 'dataset_cache_dir',
  'output_dir'];
const kRecorded = new Map([['buckets', 'cells'], ['curves', 'mean_curves']]);  // other names in the record
const kFigures = [['plasticity', 'bucket_csv', 'cells'], ['heatmap', 'bucket_csv', 'cells'],
  ['distance', 'detail_csv', 'details'], ['wavelengths', 'rope_csv', 'rope_pairs'],
  ['components', 'component_csv', 'components']];

// The table of the page that a file holds, by the record, else by the usual name of the file.
export function tableOf(analysis: Analysis, name: string): string | undefined {
  const key = Object.entries(analysis.record.tables ?? {}).find(([, given]) => given === name)?.[0];
  if (key !== undefined) return kRecorded.get(key) ?? key;
  const bare = name.replace(/\.(gz|zst)$/, '').replace('_component_information', '_component_weights');
  return Object.keys(kFiles).find(table => kFiles[table] === bare);
}

// What a file holds, whatever its name is.
export function meaning(analysis: Analysis, name: string): string {
  const table = tableOf(analysis, name) ?? '';
  return Object.hasOwn(kFiles, table) ? fileText(kFiles[table], 2) : '';
}

export function commands(analysis: Analysis): string[] {
  const { configured, dataset } = analysis.record;
  const repo = dataset?.repo && `${dataset.repo}${dataset.revision ? `@${dataset.revision}` : ''}`;
  const data = repo || configured?.dataset || configured?.dataset_local_root || 'DATASET';
  const folder = analysis.name || 'RESULTS';
  const figures = kFigures.flatMap(([figure, flag, table]) => {
    const file = analysis.files.find(({ name }) => tableOf(analysis, name) === table);
    return file ? [`qkscope plot ${figure} --${flag} ${path(`${folder}/${file.name}`)}`] : [];
  });
  const options = `${flags(configured ?? {}, kGiven)} --output_dir ${path(folder)}`;
  return [`qkscope analyze ${path(String(data))}${options}`, `qkscope report ${path(folder)}`, ...figures];
}

export const method: View = {
  id: 'method',
  title: 'Method',
  unavailable: () => null,
  render(root: HTMLElement, { analysis, report }: Page) {
    const { name, metrics, files } = analysis;
    root.append(
      section('How to read this page',
        element('ul', { class: 'lead' }, ...reading.map(line => element('li', {}, line)))),
      section('Metrics', scrolled('Metrics', table('Metrics of a head, and the files that hold them',
        ['metric', 'column', 'file', 'unit', 'meaning'],
        metrics.map(({ label, id, file, unit, definition }) => [label, id, file, unit, definition])))),
      section('Files', scrolled('Files', table(`Files of ${name || 'the analysis'}, and their digests`,
        ['file', 'meaning', 'bytes', 'sha256'],
        files.map(({ name, bytes, sha256 }) =>
          [name, meaning(analysis, name), exact(bytes), sha256])))),
      section('Commands', element('p', {}, 'The analysis, this page, and the same figures for a paper:'),
        scrolled('Commands', element('pre', {}, commands(analysis).join('\n')))),
      section('Record of the analysis',
        scrolled('Record', element('pre', {}, JSON.stringify(analysis.record, null, 2)))),
      remark(`Written by ${report.program || 'qkscope'}. The page asks nothing of the network.`));
  },
};
