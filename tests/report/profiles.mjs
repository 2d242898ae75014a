// What head_profiles.parquet and the capture add: residuals, spectrum, points and their tokens.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { show, viewsOf } from "./browsers.mjs";
import { readCsv } from "./csv.mjs";
import { close, Files, same } from "./files.mjs";
import { labelsOf, tablesOf } from "./numbers.mjs";
import { tour } from "./odd_data.mjs";
import { activeNodes } from "./texts.mjs";

const kPlanes = ["beta", "joint", "rope"];
export const kPlane = "main [aria-label*='in the plane of']:not([aria-hidden])";

export async function focusPlane(page) {
  await page.waitForSelector(kPlane);
  await page.$eval(kPlane, (node) => node.focus());
}

// What is said to step through the points: a text of lines for each, in the order of positions.
async function stepped(page) {
  await focusPlane(page);
  await page.keyboard.press("Home");
  return page.evaluate((selector) => {
    const node = document.querySelector(selector);
    const said = () => [...document.querySelectorAll(".tip div")].map((line) => line.textContent);
    const found = [said()];
    for (let i = 1; i < 1000; ++i) {
      node.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
      const next = said();
      if (next.join("\n") === found[0].join("\n") || next.join("\n") === found.at(-1).join("\n")) break;
      found.push(next);
    }
    return found;
  }, kPlane);
}

// The points of a head as they are said, without their places in the plane.
function expectedPoints(profiles, head, { tokens, names }) {
  const profile = profiles.heads[head];
  const number = { q: head.split(".")[1], k: profile.k_head };
  const points = ["q", "k"].flatMap((kind) => profile[`${kind}_position`].map((position, i) => {
    const id = profile[`${kind}_example_id`][i];
    const folder = `l${String(profile.layer).padStart(2, "0")}h${String(number[kind]).padStart(2, "0")}${kind}`;
    return { position, lines: [kind === "q" ? "query" : "key", `position ${position}, bucket ${profile[`${kind}_bucket`][i]}`,
      `document ${names ? profiles.documents[id] : profiles.documentNumbers.get(id)}`,
      ...(tokens ? [`token ${escaped(profiles.tokens[folder][`${id} ${position}`])}`] : [])] };
  }));
  return points.sort((a, b) => a.position - b.position).map(({ lines }) => lines);
}

// A token as the page writes it: quoted, and without signs that are not seen.
function escaped(token) {
  return JSON.stringify(token).replace(/\p{Cf}/gu, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);
}

const withoutPlace = (lines) => lines.filter((line) => !/^[\u2212\d.e-]+, [\u2212\d.e-]+$/.test(line));

export function add(place) {

  place.test("profiles: residuals, drift, spectrum, planes and numbers of a head are those of the files", async () => {
    for (const [name, heads] of [["plain", ["0.0", "2.3"]], ["log", ["1.1"]]]) {
      const folder = place.captured(name);
      const files = new Files([folder], place.profiles(folder));
      await place.visit(name === "plain" ? place.tokens.path : place.report("log", [folder]), { hash: "#1/head" }, async (page) => {
        for (const head of heads) {
          for (const plane of kPlanes) {
            await page.evaluate((hash) => { location.hash = hash; }, `#1/head?h=${head}&plane=${plane}`);
            await page.waitForFunction((part) => document.querySelector("main figure figcaption") &&
              [...document.querySelectorAll("figcaption")].some((node) => node.textContent.endsWith(part)), {}, `head ${head[2]}, ${plane}`);
            const tables = await tablesOf(page);
            for (const table of plane === "beta" ? tables : tables.filter(({ name: title }) => title.startsWith("Plane of"))) {
              files.check({ ...table, title: `${name} ${head}, ${table.name}`, head });
            }
            assert.ok(tables.some(({ name: title, rows }) => title.startsWith("Plane of") && rows.length === 80), `${head} ${plane}`);
          }
        }
        if (name === "log") await tour(page);
      });
    }
  });

  place.test("profiles: sentences about a head have the numbers of the file", async () => {
    const { heads } = place.profiles(place.captured("plain"));
    await place.visit(place.tokens.path, { hash: "#1/head" }, async (page) => {
      for (const head of ["0.1", "1.2"]) {
        const profile = heads[head], noise = profile.noise_ks_distance.toSorted((a, b) => a - b);
        const sum = profile.eigenvalues.reduce((total, value) => total + value, 0);
        for (const plane of kPlanes) {
          await page.evaluate((hash) => { location.hash = hash; }, `#1/head?h=${head}&plane=${plane}`);
          await page.waitForFunction((text) => document.querySelector("main strong")?.textContent === text, {}, `layer ${head[0]}, head ${head[2]}`);
          await page.waitForSelector(kPlane);
          const text = await page.$eval("main", (node) => node.innerText);
          const found = (pattern) => pattern.exec(text)?.slice(1) ?? assert.fail(`${head}: nothing like ${pattern}`);
          const isClose = (pattern, ...values) => found(pattern).forEach((shown, i) => assert.ok(close(shown, String(values[i])), `${pattern}: ${shown}, expected ${values[i]}`));
          isClose(/This plane carries ([\d.]+) % of the variance of scores/, 100 * Math.fround(profile[`plane_share_${plane}`]));
          assert.ok(same(found(/Kolmogorov-Smirnov distance,[\s\S]*?is ([\d.e-]+):/)[0], String(profile.ks_distance)));
          isClose(/Of (\d+) tested components across beta the distances are ([\d.]+) to ([\d.]+), ([\d.]+) in the middle/,
            noise.length, noise[0], noise.at(-1), noise[(noise.length - 1) / 2]);
          isClose(/The first axis of the residuals holds ([\d.]+) % of their variance, the first (\d+) hold ([\d.]+) %/,
            100 * profile.eigenvalues[0], profile.eigenvalues.length, 100 * sum);
          if (plane === "rope") assert.match(await page.$eval(kPlane, (node) => node.ariaLabel), new RegExp(`RoPE pair ${profile.rope_pair}, `));
        }
      }
    });
  });

  place.test("profiles: the map shows shares and distances of each head as the file has them", async () => {
    const { heads } = place.profiles(place.captured("plain"));
    await place.visit(place.tokens.path, { hash: "#1/map" }, async (page) => {
      for (const metric of ["ks_distance", ...kPlanes.map((plane) => `plane_share_${plane}`)]) {
        await page.select("#metric", metric);
        const labels = await labelsOf(page, "table[role=grid] td[aria-label]");
        for (const [head, profile] of Object.entries(heads)) {
          const begin = `layer ${head[0]}, head ${head[2]}: `;
          const label = labels.find((text) => text.startsWith(begin));
          assert.ok(label && same(label.slice(begin.length), String(profile[metric])), `${metric}: ${label}, expected ${profile[metric]}`);
        }
      }
    });
  });

  place.test("profiles: each point says its position, document and token, and obeys none", async () => {
    const profiles = place.profiles(place.captured("plain"));
    const tokens = Object.values(profiles.tokens).flatMap((texts) => Object.values(texts));
    assert.ok(["</script>", "<!--", "\u202e", "\0", "\x1b", "onerror"].every((part) => tokens.some((text) => text.includes(part))));
    await place.visit(place.tokens.path, { hash: "#1/head?h=1.2&paint=document" }, async (page) => {
      const said = await stepped(page);
      assert.deepEqual(said.map(withoutPlace), expectedPoints(profiles, "1.2", { tokens: true, names: true }));
      assert.ok(said.flat().every((line) => !/^token.*[\p{Cf}\p{Cc}]/u.test(line)), "a sign that is not seen");
      assert.deepEqual(await activeNodes(page), []);
      await tour(page);
      await show(page, "overview");
      assert.match(await page.$eval("main", (node) => node.innerText), /text of the corpus[\s\S]*names of the captured documents/i);
    });
  });

  place.test("profiles: without being asked the page names no document and no token", async () => {
    const profiles = place.profiles(place.captured("plain"));
    await place.visit(place.report("plain", [place.tokens.folder]), { hash: "#1/head?h=0.0" }, async (page) => {
      assert.deepEqual((await stepped(page)).map(withoutPlace), expectedPoints(profiles, "0.0", { tokens: false, names: false }));
    });
  });

  place.test("profiles: fewer points are the first ones", async () => {
    const profiles = structuredClone(place.profiles(place.captured("plain")));
    const profile = profiles.heads["0.0"];
    for (const name of ["q_position", "q_bucket", "q_example_id", "k_position", "k_bucket", "k_example_id"]) profile[name].length = 15;
    await place.visit(place.report("few", [place.tokens.folder], "--points=15"), { hash: "#1/head?h=0.0" }, async (page) => {
      assert.match(await page.waitForSelector(kPlane).then((node) => node.evaluate((each) => each.ariaLabel)), /15 queries and 15 keys/);
      const said = (await stepped(page)).map((lines) => withoutPlace(lines).slice(0, 2));
      assert.deepEqual(said, expectedPoints(profiles, "0.0", {}).map((lines) => lines.slice(0, 2)));
    });
  });

  place.test("profiles: the pointer finds a point, colours change with what they show", async () => {
    await place.visit(place.tokens.path, { hash: "#1/head?h=0.0" }, async (page) => {
      await focusPlane(page);
      await page.keyboard.press("Home");
      const said = () => page.$$eval(".tip:not([hidden]) div", (lines) => lines.map((line) => line.textContent).join("\n"));
      const first = await said();
      const box = await page.$eval(kPlane, (node) => node.getBoundingClientRect().toJSON());
      const seen = new Set();
      for (let x = 70; x < box.width - 20; x += 9) {
        await page.mouse.move(box.x + x, box.y + box.height / 2);
        seen.add(await said());
      }
      assert.ok(first.startsWith("query") || first.startsWith("key"), first);
      assert.ok([...seen].filter((text) => /^(query|key)\n/.test(text)).length > 4, `${seen.size} texts`);
      await page.mouse.move(2, 2);
      const pictures = [];
      for (const paint of ["kind", "position", "bucket", "document"]) {
        await page.select("#paint", paint);
        pictures.push(Buffer.from(await (await page.$(kPlane)).screenshot()).toString("base64"));
      }
      assert.equal(new Set(pictures).size, 4);
    });
  });

  place.test("profiles: points that cannot be read are said, the rest is shown", async () => {
    const text = readFileSync(place.tokens.path, "latin1");
    const at = text.indexOf(">", text.indexOf('<template id="points"')) + 1;
    const path = place.path("cut-points.html");
    writeFileSync(path, text.slice(0, at + 200) + text.slice(text.indexOf("</template>", at)), "latin1");
    await place.visit(path, { hash: "#1/head?h=0.0" }, async (page) => {
      await page.waitForFunction(() => /The points cannot be read/.test(document.querySelector("main").innerText));
      await tour(page);
    });
  });

  place.test("profiles: a pinned head is printed with its plane", async () => {
    await place.visit(place.tokens.path, { hash: "#1/map?pin=0.1,2.0" }, async (page) => {
      await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
      await page.emulateMediaType("print");
      await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
      const labels = await labelsOf(page, kPlane);
      assert.deepEqual(labels.map((label) => label.slice(0, "layer 0, head 0".length)), ["layer 0, head 1", "layer 2, head 0"]);
    });
  });

  place.test("profiles: two analyses, one of which lacks a head", async () => {
    const { folders, path } = place.captured_pair;
    const rows = readCsv(join(folders[1], "head_metrics.csv"));
    assert.ok(!rows.some((row) => row.layer === "1" && row.q_head === "2"));
    const files = new Files([folders[1]], place.profiles(folders[1]));
    await place.visit(path, { scheme: "dark", hash: "#1/head?h=2.1&run=1" }, async (page) => {
      await page.waitForSelector(kPlane);
      for (const table of (await tablesOf(page)).filter(({ name }) => /Plane of|residuals|Residuals|Histogram/.test(name))) {
        files.check({ ...table, title: table.name, head: "2.1" });
      }
      await tour(page);
      await page.evaluate(() => { location.hash = "#1/head?h=1.2"; });
      await page.waitForFunction(() => /layer 1, head 2/.test(document.querySelector("main").innerText));
      await page.click("#run-1");
      await page.waitForFunction(() => !/layer 1, head 2/.test(document.querySelector("main strong")?.textContent ?? ""));
      for (const view of await viewsOf(page)) await show(page, view);
    });
  });
}
