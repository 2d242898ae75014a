// The main path in the other browser.
import assert from "node:assert/strict";
import { join } from "node:path";
import { press, show } from "./browsers.mjs";
import { readCsv } from "./csv.mjs";
import { tour } from "./odd_data.mjs";

export function add(place) {
  place.test("Firefox: each view, the numbers of the map, the keyboard, the address", async () => {
    const rows = readCsv(join(place.small.folder, "head_metrics.csv"));
    await place.visit(place.small.path, { browser: "firefox" }, async (page) => {
      await tour(page);
      await show(page, "map");
      const labels = await page.$$eval("table[role=grid] td[aria-label]", (nodes) => nodes.map((node) => node.getAttribute("aria-label")));
      for (const row of rows) assert.ok(labels.includes(`layer ${row.layer}, head ${row.q_head}: ${row.ap_overall}`), row.ap_overall);
      await page.focus("table[role=grid] td[tabindex='0']");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => location.hash.startsWith("#1/head?h=1.0"));
      await press(page, "#theme");
      await page.screenshot({ path: place.path("pictures", "firefox-head.png") });
      await page.reload();
      await page.waitForSelector(":root[data-ready]");
      assert.match(await page.evaluate(() => document.querySelector("main").innerText), /layer 1, head 0/);
    });
  });
}
