// On paper, and in the frame of a stranger.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { open, show, viewsOf } from "./browsers.mjs";

export function add(place) {
  place.test("frames: every view prints, in light colours, without its controls", async () => {
    await place.visit(place.small.path, { scheme: "dark", hash: "#1/overview?h=2.1&pin=0.0" }, async (page) => {
      for (const view of ["heads", "head"]) {
        await show(page, view);
        const bytes = await page.pdf({ printBackground: true, timeout: 60_000 });
        assert.ok(bytes.length > 5000, `${view}: ${bytes.length} bytes`);
      }
      await page.emulateMediaType("print");
      for (const view of await viewsOf(page)) {
        await show(page, view);
        await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
        const found = await page.evaluate(() => ({ theme: document.documentElement.dataset.theme,
          seen: [...document.querySelectorAll("nav, header .tools, main .controls button, main figure .tools")].filter((node) => node.checkVisibility()).length }));
        assert.deepEqual(found, { theme: "light", seen: 0 }, view);
        const more = await page.$$eval("main > .part", (parts) => parts.map((part) => part.querySelector("strong, h2 + section h3").textContent));
        assert.deepEqual(more, view === "method" ? ["layer 0, head 0"] : ["layer 0, head 0", "How to read this page"], view);
        await page.evaluate(() => dispatchEvent(new Event("afterprint")));
      }
      await page.emulateMediaType(null);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
      await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
    });
  });

  place.test("frames: the printed list has all heads", async () => {
    await place.visit(place.small.path, { hash: "#1/heads" }, async (page) => {
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      assert.equal(await page.$$eval("main table", (tables) =>
        tables.find((table) => table.caption?.textContent === "Heads").tBodies[0].rows.length), 24);
    });
  });

  place.test("frames: in a sandboxed frame, where storage throws", async () => {
    const outer = place.path("outer.html");
    const own = basename(place.small.path);
    writeFileSync(outer, `<!doctype html><meta charset="utf-8"><title>outer</title><script>window.told = [];
      addEventListener("message", (event) => window.told.push(event.data));</script>
      <iframe sandbox="allow-scripts" src="${own}" width="1200" height="800"></iframe>`);
    const { page, trouble, requests } = await open(await place.browser(), outer, { ready: false });
    const frame = await page.waitForFrame((each) => each.url().endsWith(own));
    await frame.waitForSelector(":root[data-ready]", { timeout: 30_000 });
    assert.equal(await frame.evaluate(() => { try { return String(localStorage); } catch (error) { return error.name; } }), "SecurityError");
    await frame.evaluate(() => document.getElementById("tab-map").click());
    await frame.evaluate(() => document.getElementById("theme").click());
    assert.ok(await frame.$("table[role=grid]"));
    const told = await page.evaluate(() => window.told);
    assert.ok(told.some((message) => message.hash?.startsWith("#1/map")), JSON.stringify(told));
    assert.deepEqual(trouble, []);
    assert.deepEqual(requests.filter((url) => !/^(file|data|blob):/.test(url)), []);
    assert.equal((await frame.evaluate(() => window.seen?.violations ?? [])).length, 0);
    await page.close();
  });
}
