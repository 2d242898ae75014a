// Makes the page of `qkscope report` without data: one HTML file that holds everything but the text
// @@QKSCOPE_DATA@@, the place that the program puts the data in.
//
//   node build.mjs [OUTPUT]       default: dist/page.html
//
// The security policy of the page allows its script and its style sheet by their digests, so no byte of
// the policy depends on the data. Same sources, same bytes. docs/decisions/0016-report-page.md has the why.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const folder = dirname(fileURLToPath(import.meta.url));
const modules = realpathSync(join(folder, "node_modules"));
const output = resolve(process.argv[2] ?? join(folder, "dist/page.html"));
const largest = 350 * 1024; // bytes

const read = (path) => readFileSync(path, "utf8");
const digest = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

function refuse(sentence) {
  console.error(`report page: ${sentence}`);
  process.exit(1);
}

// Plot refers to maps of the earth and to colour schemes, which no chart of ours has: 44 KB. Their functions
// are replaced by one that returns nothing (some are called when the script begins).
const kUnused = /^d3-(geo|scale-chromatic)$/;
const unused = {
  name: "unused",
  setup(build) {
    build.onResolve({ filter: kUnused }, ({ path }) => ({ path, namespace: "unused", sideEffects: false }));
    build.onLoad({ filter: kUnused, namespace: "unused" }, async ({ path }) => ({
      contents: [
        "const absent = () => undefined;",
        `export { ${Object.keys(await import(path)).map((name) => `absent as ${name}`).join(", ")} };`,
      ].join("\n"),
    }));
  },
};

async function bundle(entry, format) {
  const made = await esbuild.build({
    entryPoints: [join(folder, entry)],
    absWorkingDir: folder,
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    plugins: [unused],
    format,
    charset: "ascii",
    legalComments: "none", // the notices stand in a comment of their own
    target: ["chrome103", "firefox113", "safari16.4"], // as page.html, src/main.ts and docs/report.md say,
    logLevel: "warning",
  });
  const text = format ? escaped(made.outputFiles[0].text) : made.outputFiles[0].text;
  return { text: text.trim(), inputs: Object.values(made.metafile.outputs)[0].inputs };
}

// esbuild leaves characters beyond ASCII in regular expressions as they are.
function escaped(script) {
  return script.replace(/[\x80-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// "d3-array" or "@observablehq/plot" for every package that some byte of the script comes from.
function packagesOf(inputs) {
  const names = new Set();
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    if (bytesInOutput === 0 || path.startsWith("unused:")) continue;
    const inside = relative(modules, realpathSync(resolve(folder, path)));
    if (inside.startsWith("..")) continue;
    const parts = inside.split(sep);
    names.add(parts[0].startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]);
  }
  return [...names].sort();
}

// The licences of those packages: who and which version, then each text once.
function notices(names) {
  const texts = new Map();
  for (const name of names) {
    const { version, license } = JSON.parse(read(join(modules, name, "package.json")));
    const words = read(join(modules, name, "LICENSE")).split("\n").map((line) => line.trim());
    const holders = words.filter((line) => /^copyright .*[0-9]{4}/i.test(line));
    const title = /^(the )?(isc|mit) license( \(mit\))?$/i;
    const rest = words.filter((line) => !holders.includes(line) && !title.test(line));
    const text = rest.join(" ").replace(/\s+/g, " ").trim();
    const who = [`${name} ${version} (${license})`, ...holders].join(". ");
    texts.set(text, [...(texts.get(text) ?? []), who]);
  }
  return [...texts].map(([text, who]) => [...who, "", ...wrap(text)].join("\n")).join("\n\n");
}

function wrap(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1).length + word.length > 98) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}

// Libraries of the page as third_party/libraries.toml names them (npm = ["d3-array 3.2.4", ...]).
function checkListed(names) {
  const listed = new Set(
    [...read(join(folder, "../third_party/libraries.toml")).matchAll(/^npm = \[([^\]]*)\]/gm)]
      .flatMap((match) => [...match[1].matchAll(/"(\S+) [^"]*"/g)].map((entry) => entry[1])),
  );
  const absent = names.filter((name) => !listed.has(name));
  const unused = [...listed].filter((name) => !names.includes(name));
  if (absent.length) refuse(`third_party/libraries.toml: no entry names ${absent.join(", ")}, in the page`);
  if (unused.length) refuse(`third_party/libraries.toml names ${unused.join(", ")}, not in the page`);
}

function fill(page, values) {
  for (const [name, value] of Object.entries(values)) {
    const parts = page.split(`@@${name}@@`);
    if (parts.length !== 2) refuse(`page.html: expected @@${name}@@ once, found it ${parts.length - 1} times`);
    page = parts.join(value);
  }
  return page;
}

const script = await bundle("src/main.ts", "iife");
const style = (await bundle("style.css")).text;
for (const [name, text] of [["script", script.text], ["style sheet", style]]) {
  const wrong = /<\/(script|style)|<!--|@@[A-Z_]+@@/i.exec(text);
  if (wrong) refuse(`the ${name} holds ${wrong[0]}, which would end it`);
}
const names = packagesOf(script.inputs);
checkListed(names);
const licences = notices(names);
if (licences.includes("--")) refuse("a licence text holds --, which would end the comment");

const page = fill(read(join(folder, "page.html")), {
  CSP: [
    "default-src 'none'",
    `script-src ${digest(script.text)}`,
    `style-src ${digest(style)}`,
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; "),
  LICENCES: licences,
  STYLE: style,
  SCRIPT: script.text,
});
if (page.split("@@QKSCOPE_DATA@@").length !== 2) refuse("expected @@QKSCOPE_DATA@@ once");
if (/[^\n\x20-\x7e]/.test(page)) refuse("the page holds bytes that are not ASCII");
if (page.length > largest) refuse(`${page.length} bytes, more than ${largest}`);
mkdirSync(dirname(output), { recursive: true });
writeFileSync(`${output}.new`, page);
renameSync(`${output}.new`, output);
console.log(`${output}: ${page.length} bytes, with ${names.join(", ")}`);
