// The page by keyboard alone, by the rules of WCAG 2.2, in light and dark; pictures of it are kept.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { press, show, viewsOf } from "./browsers.mjs";
import { focusPlane } from "./profiles.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const kRules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));

// Charts are drawn when they come near the window.
async function drawAll(page) {
  await page.evaluate(async () => {
    for (const chart of document.querySelectorAll(".chart:empty")) {
      chart.scrollIntoView();
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
  });
  await settle(page);
  assert.deepEqual(await page.$$(".chart:empty"), []);
}

// Whether texts of charts stand out from what they lie on axe cannot tell: it calls them incomplete. color.test.ts
// computes that.
async function violations(page) {
  await drawAll(page);
  await page.evaluate(`${axe}; 0`);
  return page.evaluate(async (values) => {
    const result = await window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] });
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ") + " " + node.html.slice(0, 120)).join("; ")}`);
  }, kRules);
}

const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.dataset.at || document.activeElement?.tagName);

export function add(place) {
  for (const scheme of ["light", "dark"]) {
    place.test(`access: no view breaks a rule of WCAG 2.2 A or AA, ${scheme}`, async () => {
      await place.visit(place.small.path, { scheme }, async (page) => {
        const found = {};
        for (const view of await viewsOf(page)) {
          await show(page, view);
          await settle(page);
          await page.screenshot({ path: place.path("pictures", `${view}-${scheme}-1440.png`) });
          const broken = await violations(page);
          if (broken.length) found[view] = broken;
        }
        assert.deepEqual(found, {});
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), scheme);
      });
    });
  }

  place.test("access: opened tables, dialogs and the comparison break none either", async () => {
    await place.visit(place.small.path, { hash: "#1/head?h=2.1&pin=0.0,1.1&sel=2.1,2.2" }, async (page) => {
      await page.evaluate(() => document.querySelectorAll("button[aria-label$=': as table']").forEach((node) => node.click()));
      assert.deepEqual(await violations(page), []);
      await page.keyboard.press("?");
      assert.deepEqual(await violations(page), []);
    });
    for (const [scheme, { path }] of [["light", place.pair], ["dark", place.gaps]]) {
      await place.visit(path, { scheme, hash: "#1/compare" }, async (page) => {
        await settle(page);
        await page.screenshot({ path: place.path("pictures", `compare-${scheme}-1440.png`) });
        assert.deepEqual(await violations(page), []);
      });
    }
    for (const [scheme, choice] of [["light", "paint=position"], ["dark", "paint=document&plane=rope"]]) {
      await place.visit(place.tokens.path, { scheme, hash: `#1/head?h=1.2&${choice}` }, async (page) => {
        await focusPlane(page);
        await page.keyboard.press("Home");
        assert.deepEqual(await violations(page), []);
      });
    }
  });

  place.test("access: every view is reached by keyboard alone", async () => {
    await place.visit(place.small.path, {}, async (page) => {
      const views = await viewsOf(page);
      await page.evaluate(() => { document.activeElement?.blur(); });
      const reached = [];
      while (reached.length < 60 && reached.at(-1) !== `tab-${views.at(-1)}`) {
        await page.keyboard.press("Tab");
        reached.push(await focused(page));
      }
      for (const view of [...views.slice(1), views[0]]) {
        assert.ok(reached.includes(`tab-${view}`), `${view} is not reached by Tab: ${reached}`);
        await page.focus(`#tab-${view}`);
        await page.keyboard.press("Enter");
        await page.waitForFunction((id) => document.getElementById(id).getAttribute("aria-current") === "page", { timeout: 5000 }, `tab-${view}`);
        assert.equal(await focused(page), "main");
      }
    });
  });

  place.test("access: a grid has one stop, arrows move in it, Enter opens, Shift and Enter pins", async () => {
    await place.visit(place.small.path, { hash: "#1/map" }, async (page) => {
      assert.equal(await page.$$eval("table[role=grid] td[tabindex='0']", (nodes) => nodes.length), 1);
      await page.focus("table[role=grid] td[tabindex='0']");
      const walk = async (key) => { await page.keyboard.press(key); return focused(page); };
      assert.equal(await walk("ArrowRight"), "0 1");
      assert.equal(await walk("ArrowDown"), "1 1");
      assert.equal(await walk("End"), "1 3");
      assert.equal(await walk("Home"), "1 0");
      assert.equal(await walk("ArrowUp"), "0 0");
      assert.equal(await walk("ArrowLeft"), "0 0");
      assert.match(await walk("PageDown"), /^5 0$/);
      const tip = await page.$eval(".tip", (node) => !node.hidden && node.textContent);
      assert.match(String(tip), /layer 5, head 0/);
      await page.keyboard.press("Escape");
      assert.equal(await page.$eval(".tip", (node) => node.hidden), true);
      await page.waitForFunction(() => /layer 5, head 0/.test(document.querySelector("[aria-live]").textContent));
      await page.keyboard.down("Shift");
      await page.keyboard.press("Enter");
      await page.keyboard.up("Shift");
      await page.waitForFunction(() => location.hash.includes("pin=5.0"));
      await page.focus("table[role=grid] td[tabindex='0']");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => location.hash.startsWith("#1/head"));
    });
  });

  place.test("access: commands of one key, and switching them off", async () => {
    await place.visit(place.small.path, { hash: "#1/head?h=2.1" }, async (page) => {
      await page.keyboard.press("]");
      await page.waitForFunction(() => location.hash.includes("h=2.2"));
      await page.keyboard.press("[");
      await page.keyboard.press("[");
      await page.waitForFunction(() => location.hash.includes("h=2.0"));
      await page.keyboard.press("/");
      assert.equal(await focused(page), "filter");
      await page.keyboard.type("layer:1-2 [?");
      assert.equal(await page.$eval("#filter", (node) => node.value), "layer:1-2 [?");
      await page.evaluate(() => document.activeElement.blur());
      await page.keyboard.press("?");
      await page.waitForSelector("dialog[open]");
      await page.click("dialog input[type=checkbox]");
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !document.querySelector("dialog[open]"));
      await page.keyboard.press("/");
      await page.keyboard.press("?");
      assert.equal(await page.$("dialog[open]"), null);
      assert.notEqual(await focused(page), "filter");
    });
  });

  place.test("access: what is read aloud, and the filter", async () => {
    await place.visit(place.small.path, { hash: "#1/heads" }, async (page) => {
      await page.type("#filter", "layer:1-2");
      assert.match(await page.$eval("#filter-said", (node) => node.textContent), /8 heads/);
      const list = await page.$eval("#heads", (node) => ({ role: node.getAttribute("role"), rows: node.getAttribute("aria-rowcount") }));
      assert.deepEqual(list, { role: "grid", rows: "9" });
    });
  });

  place.test("access: on a narrow screen no view is wider than it", async () => {
    await place.visit(place.small.path, { width: 420, hash: "#1/overview?pin=0.0,3.2" }, async (page) => {
      for (const view of await viewsOf(page)) {
        await show(page, view);
        await settle(page);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} is wider than 420 pixels`);
        await page.screenshot({ path: place.path("pictures", `${view}-light-420.png`) });
      }
    });
  });

  place.test("access: the button changes the theme, and the choice is kept", async () => {
    await place.visit(place.small.path, {}, async (page) => {
      const theme = () => page.evaluate(() => [document.querySelector("#theme").textContent, document.documentElement.dataset.theme]);
      for (const shown of [["Theme: light", "light"], ["Theme: dark", "dark"], ["Theme: auto", "light"]]) {
        await press(page, "#theme");
        assert.deepEqual(await theme(), shown);
        await page.reload();
        await page.waitForSelector(":root[data-ready]");
        assert.deepEqual(await theme(), shown);
      }
    });
  });
}
