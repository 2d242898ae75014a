// Little data, much data, gaps in the data, and data that are not whole.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { open, show, viewsOf } from "./browsers.mjs";

export const kMostElements = 6000;

// Goes to every view; each says something and stays within the number of elements.
export async function tour(page, check = () => {}) {
  const views = await viewsOf(page);
  assert.ok(views.length >= 9, `views: ${views}`);
  for (const view of views) {
    await show(page, view);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    const found = await page.evaluate(() => ({
      text: document.querySelector("main").innerText, elements: document.querySelectorAll("*").length,
      prose: [...document.querySelectorAll("main :not(pre, code)")].flatMap((node) => [...node.childNodes])
        .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join("\n"),
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      broken: document.querySelectorAll("main [role=alert]").length,
    }));
    assert.ok(found.text.length > 20, `${view}: "${found.text}"`);
    const slip = /.{0,60}(\b(NaN|undefined|null|Infinity)\b|\[object).{0,60}/.exec(found.prose);
    assert.equal(slip, null, `${view}: ${slip?.[0]}`);
    assert.ok(found.elements <= kMostElements, `${view}: ${found.elements} elements`);
    assert.ok(!found.wide, `${view}: wider than the window`);
    assert.equal(found.broken, 0, `${view}: cannot be drawn`);
    await check(view);
  }
}

const kOdd = {
  "one head": { layers: 1, heads: 1, group: 1 },
  "one layer": { layers: 1, heads: 12, group: 4 },
  "one bucket": { layers: 3, buckets: 1 },
  "two buckets": { layers: 2, buckets: 2 },
  "buckets that grow": { layers: 3, buckets: 9, width: 16, type: "log" },
  "eighty buckets": { layers: 2, heads: 2, buckets: 80, width: 64 },
  "one document": { layers: 2, documents: 1, bars: false },
  "heads with gaps": { layers: 9, heads: 8, skip: (layer, q) => layer === 4 || (layer + q) % 3 === 0 },
  "failed heads": { layers: 3, heads: 3, skip: (layer, q) => layer === 1 && q === 1, failed: [{ layer: 1, q_head: 1, reason: "no rows" }] },
  "empty cells": { layers: 3, empty: (layer, q) => (layer + q) % 2 === 0 },
  "no number at all": { layers: 2, empty: () => true },
  "heads and nothing else": { metricsOnly: true },
  "heads and one metric": { bare: ["ap_overall"] },
  "heads and no metric": { bare: [] },
  "heads and cells, no record of methods": { cellsOnly: true, bars: false },
  "one method, no intervals": { methods: ["linear"], bars: false, rope: false },
};

export function add(place) {
  for (const [name, options] of Object.entries(kOdd)) {
    place.test(`odd data: ${name}`, async () => {
      const id = `odd-${name.replace(/\W+/g, "-")}`;
      const path = place.report(id, [place.analysis(id, options)]);
      await place.visit(path, {}, async (page) => {
        await tour(page);
        const first = await page.evaluate(() => document.querySelector("[data-head]")?.dataset.head ?? null);
        await page.evaluate((head) => { location.hash = `#1/head?h=${head ?? "0.0"}`; }, first);
        await page.waitForFunction(() => /layer \d+, head \d+/.test(document.querySelector("main").innerText));
      });
    });
  }

  place.test("odd data: buckets that grow have about the same width", async () => {
    const path = place.report("growing", [place.analysis("growing", kOdd["buckets that grow"])]);
    await place.visit(path, {}, async (page) => {
      for (const [view, title] of [["positions", "Documents behind each bucket"], ["head", "Documents behind the curve"]]) {
        await show(page, view);
        const widths = await page.evaluate((text) => {
          const figure = [...document.querySelectorAll("figure")].find((node) => node.querySelector("figcaption").textContent === text);
          figure.scrollIntoView();
          return new Promise((done) => setTimeout(() => done([...figure.querySelectorAll("rect")].map((node) => node.getBoundingClientRect().width)), 200));
        }, title);
        assert.equal(widths.length, 8, title);
        assert.ok(Math.max(...widths) < 2 * Math.min(...widths), `${title}: ${widths}`);
      }
    });
  });

  place.test("odd data: a failed head is named with its reason", async () => {
    const path = place.report("failed", [place.analysis("failed", kOdd["failed heads"])]);
    await place.visit(path, { hash: "#1/map" }, async (page) => {
      const cell = await page.$("table[role=grid] td[aria-label='layer 1, head 1: failed']");
      await cell.focus();
      const said = await page.$$eval(".tip:not([hidden]) div", (lines) => lines.map((line) => line.textContent));
      assert.deepEqual(said, ["layer 1, head 1", "could not be measured: no rows"]);
    });
  });

  place.test("odd data: the cells of a second method need their file", async () => {
    const path = place.report("cells", [place.analysis("cells", kOdd["heads and cells, no record of methods"])]);
    await place.visit(path, { hash: "#1/head?h=0.0" }, async (page) => {
      assert.ok(await page.$("#cells"));
      await page.select("#method", await page.$eval("#method option:last-child", (node) => node.value));
      await page.waitForFunction(() => !document.querySelector("#cells"));
      assert.match(await page.$eval("main", (node) => node.innerText), /Pairs of buckets[\s\S]*This needs head_bucket_details\.csv, .*qkscope analyze/);
    });
  });

  place.test("odd data: a chart that cannot be drawn leaves the page", async () => {
    // Each chart asks for the library's styles, and nothing else asks a picture for anything.
    const before = () => { SVGElement.prototype.querySelectorAll = () => { throw new Error("broken"); }; };
    await place.visit(place.small.path, { before, hash: "#1/positions" }, async (page) => {
      for (const view of ["positions", "map", "head"]) {
        await show(page, view);
        const found = await page.evaluate(() => ({ said: document.querySelector(".chart > [role=alert]").innerText,
          tabs: document.querySelectorAll("nav button").length, grids: document.querySelectorAll("table[role=grid]").length }));
        assert.match(found.said, /cannot be drawn/, view);
        assert.ok(found.tabs >= 9 && (found.grids > 0 || view === "positions"), `${view}: ${JSON.stringify(found)}`);
      }
    });
  });

  place.test("odd data: a page that was cut off says so", async () => {
    const whole = readFileSync(place.small.path, "latin1");
    const [start] = [whole.indexOf('id="data"')];
    const end = whole.indexOf("</template>", start);
    const cuts = {
      "half of the data": whole.slice(0, start + (end - start) / 2) + whole.slice(end),
      "a few bytes of the data": whole.slice(0, end - 40) + whole.slice(end),
      "a wrong character": `${whole.slice(0, start + 200)}!${whole.slice(start + 201)}`,
      "another character": whole.slice(0, start + 4000) + (whole[start + 4000] === "A" ? "B" : "A") + whole.slice(start + 4001),
      "no data": whole.slice(0, whole.indexOf("<template", start - 20)) + whole.slice(end + "</template>".length),
      "the end of the file": whole.slice(0, start + (end - start) * 0.7),
      "the end of the script": whole.slice(0, whole.length - 60_000),
    };
    for (const [name, text] of Object.entries(cuts)) {
      const path = place.path("cut.html");
      writeFileSync(path, text, "latin1");
      const { page, trouble } = await open(await place.browser(), path, { ready: false });
      await page.waitForFunction(() => !document.documentElement.dataset.ready, { timeout: 5000 });
      await new Promise((done) => setTimeout(done, 200));
      const said = await page.evaluate(() => document.body.innerText);
      assert.ok(said.trim().length > 60, `${name}: "${said}"`);
      if (!name.startsWith("the end")) {
        assert.match(said, /cannot be read|holds no data/, name);
        assert.deepEqual(trouble, [], name);
      }
      await page.close();
    }
  });

  place.test("odd data: an old browser, and one without script, get a sentence", async () => {
    const opened = await open(await place.browser(), place.small.path, {
      ready: false, before: () => { delete window.DecompressionStream; },
    });
    await opened.page.waitForFunction(() => /too old/.test(document.body.innerText), { timeout: 5000 });
    await opened.close();
    const page = await (await place.browser()).newPage();
    await page.setJavaScriptEnabled(false);
    await page.goto(`file://${place.small.path}`);
    assert.match(await page.evaluate(() => document.body.innerText), /head_metrics\.csv/);
    await page.close();
  });
}
