// Builds the page without data: node build.mjs [OUTPUT], default dist/page.html.
//
// Script and style stand in the file; their digests are in its content security policy, so the page
// runs these bytes and nothing else. The program puts the data where @@QKSCOPE_DATA@@ is.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2] ?? join(here, 'dist', 'page.html');
const kMostBytes = 350 * 1024;

async function bundle(file, options) {
  const result = await build({
    entryPoints: [join(here, file)], absWorkingDir: here, bundle: true, minify: true, write: false,
    charset: 'ascii', legalComments: 'none', metafile: true, logLevel: 'warning', ...options,
  });
  return { text: result.outputFiles[0].text.trim(), inputs: Object.keys(result.metafile.inputs) };
}

function digest(text) { return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`; }

// The licences of the packages that are part of the bundle; those that differ in the line of the
// copyright alone share a text.
function licences(inputs) {
  const names = new Set(inputs.map(path => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean));
  const holders = new Map();
  for (const name of [...names].sort()) {
    const folder = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license'].map(f => join(folder, f)).find(existsSync);
    if (!file) throw new Error(`${name}: no licence text`);
    const text = readFileSync(file, 'utf8').replaceAll('\r', '').trim();
    const copyright = text.split('\n').filter(line => /^copyright/i.test(line)).join('\n');
    const terms = text.split('\n').filter(line => !/^copyright/i.test(line)).join('\n').trim();
    holders.set(terms, `${holders.get(terms) ?? ''}${name} ${version} (${license})\n${copyright}\n`);
  }
  return [...holders].map(([terms, who]) => `${who}\n${terms}\n`).join('\n').replaceAll('--', '- -');
}

// The chart library can draw maps of the earth, and has many colour schemes. This page has neither:
// what these packages export is replaced by functions that do nothing.
const lean = {
  name: 'lean',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules\/d3-(geo|scale-chromatic)\/dist\/d3-[a-z-]+\.mjs$/ }, ({ path }) => {
      const names = new Set(readFileSync(path, 'utf8').match(/\b(geo|interpolate|scheme)[A-Z]\w*/g));
      return { contents: [...names].map(name => `export const ${name} = () => ({});`).join('\n') };
    });
  },
};

const script = await bundle('src/main.ts', { format: 'iife', target: 'es2022', plugins: [lean] });
const style = await bundle('style.css', {});
for (const [name, text] of [['script', script.text], ['style', style.text]]) {
  const bad = /<\/(script|style)|<!--|@@[A-Z_]+@@|\r/i.exec(text);
  if (bad) throw new Error(`the ${name} holds ${JSON.stringify(bad[0])}`);
}

const policy = `default-src 'none'; script-src ${digest(script.text)}; style-src ${digest(style.text)}; ` +
  "img-src data: blob:; base-uri 'none'; form-action 'none'";
const parts = { CSP: policy, STYLE: style.text, SCRIPT: script.text, LICENCES: licences(script.inputs) };
const page = readFileSync(join(here, 'page.html'), 'utf8')
  .replace(/@@(CSP|STYLE|SCRIPT|LICENCES)@@/g, (_, name) => parts[name]);
if (page.split('@@QKSCOPE_DATA@@').length !== 2) throw new Error('the page has not one place for the data');
const bytes = Buffer.byteLength(page);
if (bytes > kMostBytes) throw new Error(`the page is ${bytes} bytes long, at most ${kMostBytes} are allowed`);
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, page);
console.log(`${output}: ${bytes} bytes`);
