// Names and texts of others are shown as they are, and never obeyed.
import assert from "node:assert/strict";
import { kHostile } from "./make_analysis.mjs";
import { tour } from "./odd_data.mjs";
import { tablesOf } from "./numbers.mjs";

export function add(place) {
  place.test("texts: hostile models, notes and warnings are texts", async () => {
    for (const [i, text] of kHostile.entries()) {
      const folder = place.analysis(`hostile-${i}`, { layers: 2, heads: 2, buckets: 3, model: text,
        note: text.replaceAll("\u0000", "").slice(0, 300), warning: text.replaceAll("\u0000", "").slice(0, 300) });
      const path = place.report(`hostile-${i}`, [folder]);
      await place.visit(path, {}, async (page) => {
        await tour(page, async (view) => {
          if (i % 4 === 0) await tablesOf(page);
          const found = await page.evaluate(() => [...document.querySelectorAll("img,iframe,object,embed,link,base,form,script[src],[onerror],[onload],a[href^='javascript']")]
            .map((node) => node.outerHTML));
          assert.deepEqual(found, [], view);
        });
      });
    }
  });

  place.test("texts: hostile titles and names are texts", async () => {
    const folder = place.small.folder;
    for (const [i, text] of kHostile.entries()) {
      const word = text.replace(/[\u0000\ud800]/g, "");
      const path = place.report(`title-${i}`, [folder], `--title=${word}`, `--names=${word.replaceAll(",", "")}`);
      await place.visit(path, {}, async (page) => {
        const found = await page.evaluate(() => ({ heading: document.querySelector("h1").textContent, title: document.title,
          wide: document.documentElement.scrollWidth > document.documentElement.clientWidth }));
        assert.equal(found.heading, word);
        assert.ok(!found.wide, `"${word.slice(0, 40)}" makes the page wider than the window`);
      });
    }
  });

  place.test("texts: methods and columns named as parts of objects", async () => {
    const folder = place.analysis("objects", { layers: 2, heads: 2, buckets: 3, methods: ["__proto__", "constructor"] });
    await place.visit(place.report("objects", [folder]), {}, (page) => tour(page));
  });

  place.test("texts: folders of the machine are not in the page", async () => {
    await place.visit(place.small.path, {}, async (page) => {
      await tour(page, async () => {
        assert.ok(!(await page.evaluate(() => document.documentElement.textContent)).includes("/home/someone"));
      });
    });
  });
}
