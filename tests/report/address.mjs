// What is shown stands in the address: it survives reloading, goes back, and takes nothing from strangers.
import assert from "node:assert/strict";
import { press, show } from "./browsers.mjs";

const kHashes = [
  "#", "#1", "#1/", "#1/nowhere", "#2/map", "#1/map?m=", "#1/map?m=constructor", "#1/map?m=__proto__&h=__proto__", "#1/head?h=99.99",
  "#1/head?h=-1.0", "#1/head?h=2.1&pin=9.9,2.1,2.1,constructor", "#1/map?c=1~0", "#1/map?c=NaN~Infinity", "#1/map?c=1e999~2e999",
  "#1/heads?f=%00%E2%80%AE<img src=x onerror=hit()>", "#1/heads?s=-constructor", "#1/relations?x=toString&y=valueOf",
  "#1/head?plane=evil&paint=__proto__&by=hasOwnProperty", "#1/head?%zz=%zz&&&===", "#1/positions?reach=-5", "#1/compare?run=7",
  `#1/heads?f=${"(".repeat(5000)}`, `#1/map?sel=${"0.0,".repeat(4000)}`, "#javascript:hit()", "#1/map?m=ap_overall#1/head",
  `#1/heads?f=${"x".repeat(199)}%F0%9F%98%80`,  // cut between the two halves of a character
];

export function add(place) {
  place.test("address: reloading shows the same", async () => {
    await place.visit(place.small.path, { hash: "#1/heads?f=layer%3A1-3&m=q_R2_pos&pin=0.0,1.1&s=-q_R2_pos" }, async (page) => {
      const state = () => page.evaluate(() => ({ hash: location.hash, said: document.getElementById("filter-said").textContent,
        metric: document.getElementById("metric").value, pins: document.querySelectorAll("[id^='pin-']").length,
        rows: [...document.querySelectorAll("#heads [data-index]")].slice(0, 8).map((row) => row.textContent) }));
      const before = await state();
      assert.equal(before.metric, "q_R2_pos");
      assert.equal(before.pins, 2);
      await page.reload();
      await page.waitForSelector(":root[data-ready]");
      assert.deepEqual(await state(), before);
    });
  });

  place.test("address: a view is a step back, a change within it is not", async () => {
    await place.visit(place.small.path, {}, async (page) => {
      const current = () => page.evaluate(() => document.querySelector("nav [aria-current=page]").id);
      await show(page, "map");
      await page.select("#metric", "q_R2_pos");
      await page.select("#metric", "q_mae_ratio");
      await show(page, "heads");
      await page.goBack();
      await page.waitForFunction(() => document.querySelector("nav [aria-current=page]").id === "tab-map");
      assert.equal(await page.$eval("#metric", (node) => node.value), "q_mae_ratio");
      await page.goBack();
      await page.waitForFunction(() => document.querySelector("nav [aria-current=page]").id === "tab-overview");
      await page.goForward();
      await page.waitForFunction(() => document.querySelector("nav [aria-current=page]").id === "tab-map");
      assert.equal(await current(), "tab-map");
    });
  });

  place.test("address: broken and hostile addresses show a view all the same", async () => {
    await place.visit(place.small.path, {}, async (page) => {
      for (const hash of kHashes) {
        await page.evaluate((text) => { location.hash = text; }, hash);
        await page.evaluate(() => new Promise((done) => setTimeout(done, 30)));
        const found = await page.evaluate(() => ({ view: document.querySelector("nav [aria-current=page]")?.id, text: document.querySelector("main").innerText.length }));
        assert.ok(found.view && found.text > 20, `${hash.slice(0, 60)}: ${JSON.stringify(found)}`);
        const other = found.view === "tab-map" ? "overview" : "map";
        await show(page, other);
        const after = await page.evaluate(() => ({ view: document.querySelector("nav [aria-current=page]")?.id, hash: location.hash }));
        assert.ok(after.view === `tab-${other}` && after.hash.startsWith(`#1/${other}`), `${hash.slice(0, 60)}, then ${other}: ${JSON.stringify(after)}`);
      }
    });
    for (const hash of kHashes.slice(4, 12)) {
      await place.visit(place.small.path, { hash }, async (page) => assert.ok(await page.$("nav [aria-current=page]")));
    }
  });

  place.test("address: at most six pins, each by its name", async () => {
    await place.visit(place.small.path, { hash: "#1/map?pin=0.0,0.1,0.2,0.3,1.0,1.1,1.2,1.3" }, async (page) => {
      assert.equal(await page.$$eval("[id^='pin-']", (nodes) => nodes.length), 6);
      await press(page, "[id^='unpin-']");
      assert.equal(await page.$$eval("[id^='pin-']", (nodes) => nodes.length), 5);
    });
  });
}
