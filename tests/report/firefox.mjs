// The main path in the other browser.
import assert from "node:assert/strict";
import { join } from "node:path";
import { press, show } from "./browsers.mjs";
import { readCsv } from "./csv.mjs";
import { tour } from "./odd_data.mjs";
import { focusPlane } from "./profiles.mjs";

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

  place.test("Firefox: the plane of a head, its points and tokens, by keyboard", async () => {
    const { heads, tokens } = place.profiles(place.tokens.folder);
    await place.visit(place.tokens.path, { browser: "firefox", hash: "#1/head?h=2.1&plane=joint" }, async (page) => {
      await focusPlane(page);
      await page.keyboard.press("End");
      const said = await page.$$eval(".tip div", (lines) => lines.map((line) => line.textContent));
      const profile = heads["2.1"], last = Math.max(...profile.q_position, ...profile.k_position);
      assert.equal(said[1].split(",")[0], `position ${last}`);
      const known = new Set(Object.values(tokens).flatMap((texts) => Object.values(texts)));
      assert.ok(known.has(JSON.parse(said.at(-1).replace(/^token /, "").replace(/\\u\{(\w+)\}/g, (_, code) => String.fromCodePoint(parseInt(code, 16))))), said.at(-1));
      await page.screenshot({ path: place.path("pictures", "firefox-plane.png"), fullPage: true });
    });
  });
}
