// What the tests share: analyses, reports made of them, browsers, and the list of tests.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import assert from "node:assert/strict";
import { open, start } from "./browsers.mjs";
import { writeAnalysis } from "./make_analysis.mjs";

const kLongest = 240_000;  // milliseconds of a test

export class Workplace {
  constructor(program, folder, pattern) {
    Object.assign(this, { program, folder, pattern, tests: [], made: new Map(), browsers: new Map() });
  }

  test(name, body) {
    if (name.includes(this.pattern)) this.tests.push({ name, body });
  }

  path(...parts) {
    return join(this.folder, ...parts);
  }

  // The folder of an analysis with these options of make_analysis.mjs, written once.
  analysis(name, options) {
    if (!this.made.has(name)) this.made.set(name, writeAnalysis(this.path(name), options));
    return this.made.get(name);
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
    return { folder: this.analysis("small"), path: this.pages("small", () => this.report("small", [this.analysis("small")])) };
  }

  // Two analyses of one corpus, compared.
  get pair() {
    const folders = [this.analysis("base", { seed: 2 }), this.analysis("tuned", { seed: 3, model: "made/model-1B-tuned" })];
    return { folders, path: this.pages("pair", () => this.report("pair", folders, "--names=base,tuned")) };
  }

  pages(name, make) {
    if (!this.made.has(`page ${name}`)) this.made.set(`page ${name}`, make());
    return this.made.get(`page ${name}`);
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
