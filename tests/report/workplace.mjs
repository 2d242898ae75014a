// What the tests share: analyses, reports made of them, browsers, and the list of tests.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { open, start } from "./browsers.mjs";
import { writeAnalysis } from "./make_analysis.mjs";

const kLongest = 240_000;  // milliseconds of a test
const kProfiles = join(dirname(fileURLToPath(import.meta.url)), "profiles.py");

// Runs profiles.py; `words` are its arguments.
function python(...words) {
  const done = spawnSync("python3", [kProfiles, ...words.map(String)], { encoding: "utf8", timeout: 120_000 });
  assert.equal(done.status, 0, done.stderr);
}

export class Workplace {
  constructor(program, folder, pattern) {
    Object.assign(this, { program, folder, pattern, tests: [], made: new Map(), browsers: new Map() });
  }

  test(name, body) {
    const isLeftOut = this.pattern.startsWith("!");
    if (name.includes(this.pattern.slice(Number(isLeftOut))) !== isLeftOut) this.tests.push({ name, body });
  }

  path(...parts) {
    return join(this.folder, ...parts);
  }

  // The folder of an analysis with these options of make_analysis.mjs, written once. `profiles`: so many
  // queries and keys of each head in head_profiles.parquet.
  analysis(name, options = {}) {
    return this.once(`analysis ${name}`, () => {
      const folder = writeAnalysis(this.path(name), options);
      if (options.profiles) python("made", this.captured("plain"), folder, options.profiles, options.components ?? 8);
      return folder;
    });
  }

  // The folder of an analysis of a real capture, of which profiles.py has a list.
  captured(name) {
    return join(this.once("captured", () => {
      python("capture", this.program, this.path("captured"));
      return this.path("captured");
    }), name);
  }

  // What head_profiles.parquet of a folder holds: `heads` by name, `documentNumbers` by id, quantiles of the
  // normal distribution; of a real capture `tokens` and `documents`.
  profiles(folder) {
    return this.once(`profiles ${folder}`, () => {
      python("dump", folder, `${folder}.json`);
      const { heads, ...rest } = JSON.parse(readFileSync(`${folder}.json`, "utf8"));
      const ids = [...new Set(heads.flatMap((head) => [...head.q_example_id, ...head.k_example_id]))];
      ids.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
      return { ...rest, heads: Object.fromEntries(heads.map((head) => [`${head.layer}.${head.q_head}`, head])),
        documentNumbers: new Map(ids.map((id, i) => [id, i])) };
    });
  }

  // Runs `qkscope report`; returns the page's path.
  report(output, folders, ...options) {
    const path = this.path(`${output}.html`);
    const done = this.run_program("report", ...folders, "-o", path, ...options);
    assert.equal(done.status, 0, done.stderr);
    return path;
  }

  run_program(...words) {
    return spawnSync(this.program, words, { encoding: "utf8", timeout: 60_000, cwd: this.folder });
  }

  // The report of the usual small analysis, which most tests open.
  get small() {
    const folder = this.analysis("small", { profiles: 60 });
    return { folder, path: this.pages("small", () => this.report("small", [folder])) };
  }

  // Two analyses of one corpus, compared.
  get pair() {
    const folders = [this.analysis("base", { seed: 2 }), this.analysis("tuned", { seed: 3, model: "made/model-1B-tuned" })];
    return { folders, path: this.pages("pair", () => this.report("pair", folders, "--names=base,tuned")) };
  }

  // Two analyses, each of which has a head that the other one lacks: `alone`.
  get gaps() {
    const alone = ["2.1", "3.0"];
    const folders = ["one", "two"].map((name, i) => this.analysis(name, { seed: 2 + i, model: `made/model-${name}`,
      skip: (layer, q) => alone[1 - i] === `${layer}.${q}` }));
    return { alone, folders, path: this.pages("gaps", () => this.report("gaps", folders, "--names=one,two")) };
  }

  // Two tiny models captured on one corpus, with paired intervals; B lacks a head.
  get captured_pair() {
    const folders = [this.captured("plain"), this.captured("tuned")];
    return { folders, path: this.pages("captured pair", () => this.report("captured-pair", folders, "--names=plain,tuned", "--tokens")) };
  }

  // A tiny model captured on hostile texts, with its tokens and the names of documents.
  get tokens() {
    const folder = this.captured("plain");
    return { folder, path: this.pages("tokens", () => this.report("tokens", [folder], "--tokens", "--ids")) };
  }

  pages(name, make) {
    return this.once(`page ${name}`, make);
  }

  once(name, make) {
    if (!this.made.has(name)) this.made.set(name, make());
    return this.made.get(name);
  }

  async browser(kind = "chrome") {
    if (!this.browsers.has(kind)) this.browsers.set(kind, await start(kind, this.path(`home-${kind}`)));
    return this.browsers.get(kind);
  }

  // Opens a page in Chromium, gives it to `use`, and makes sure that it caused no trouble.
  async visit(path, options, use) {
    const opened = await open(await this.browser(options.browser), path, options);
    await use(opened.page, opened);
    await opened.close();
  }

  async run() {
    let failed = 0;
    const began = performance.now();
    try {
      for (const { name, body } of this.tests) {
        const start = performance.now();
        const late = new Promise((_, reject) => setTimeout(reject, kLongest, new Error("takes too long")).unref());
        const error = await Promise.race([Promise.resolve().then(body), late]).then(() => null, (thrown) => thrown);
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        console.log(`${error ? "FAILED" : "ok    "} ${seconds.padStart(5)} s  ${name}`);
        if (!error) continue;
        failed += 1;
        console.log(String(error.stack ?? error).split("\n").slice(0, 12).map((line) => `    ${line.slice(0, 500)}`).join("\n"));
      }
    } finally {
      for (const browser of this.browsers.values()) await browser.close();
    }
    console.log(`${this.tests.length} tests, ${failed} failed, ${((performance.now() - began) / 1000).toFixed(1)} s`);
    process.exitCode = failed || this.tests.length === 0 ? 1 : 0;
  }
}
