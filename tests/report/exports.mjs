// What the page saves can be read by others: SVG as XML, CSV as the files, PNG at twice the size.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { press, show, viewsOf } from "./browsers.mjs";
import { parseCsv } from "./csv.mjs";
import { Files } from "./files.mjs";

// Presses a button and waits until Chromium has the whole file. Of more than ten downloads in a second it drops the
// others.
async function saved(page, folder, selector) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder, eventsEnabled: true });
  const whole = new Promise((done, fail) => {
    session.on("Browser.downloadProgress", ({ state }) => { if (state === "completed") done(); });
    setTimeout(() => fail(new Error(`${selector} saved nothing`)), 10_000).unref();
  });
  await new Promise((done) => setTimeout(done, 150));
  await press(page, selector);
  await whole.finally(() => session.detach());
  const [name] = readdirSync(folder);
  return { name, bytes: readFileSync(join(folder, name)) };
}

async function savers(page, kind) {
  return page.evaluate((text) => [...document.querySelectorAll(`main button[aria-label$=': save as ${text}']`)]
    .filter((node) => node.checkVisibility()).map((node, i) => {
      node.dataset.saver = `${text}-${i}`;
      return { selector: `[data-saver="${text}-${i}"]`, title: node.getAttribute("aria-label") };
    }), kind);
}

async function checkSvg(page, text, title) {
  const found = await page.evaluate((svg) => {
    const tree = new DOMParser().parseFromString(svg, "image/svg+xml");
    const root = tree.documentElement;
    return { broken: !!tree.querySelector("parsererror"), name: root.localName, width: Number(root.getAttribute("width")),
      height: Number(root.getAttribute("height")), shapes: root.querySelectorAll("path,rect,circle,line,text").length,
      active: root.querySelectorAll("script,foreignObject,image[href^=http]").length, variables: /var\(--/.test(svg) };
  }, text);
  assert.deepEqual({ ...found, width: found.width > 50, height: found.height > 20, shapes: found.shapes > 3 },
    { broken: false, name: "svg", width: true, height: true, shapes: true, active: 0, variables: false }, title);
  return found;
}

export function add(place) {
  place.test("exports: every chart of every view as SVG, one of each as PNG", async () => {
    await place.visit(place.small.path, { hash: "#1/head?h=2.1&pin=0.0" }, async (page) => {
      const folder = place.path("saved");
      let count = 0;
      for (const view of await viewsOf(page)) {
        await show(page, view);
        const pictures = await savers(page, "PNG");
        for (const [i, { selector, title }] of (await savers(page, "SVG")).entries()) {
          const { name, bytes } = await saved(page, folder, selector);
          assert.match(name, /^[a-z0-9-]+\.svg$/);
          const { width, height } = await checkSvg(page, bytes.toString("utf8"), `${view}, ${title}`);
          count += 1;
          if (i > 0) continue;
          const png = (await saved(page, folder, pictures[i].selector)).bytes;
          assert.equal(png.subarray(1, 4).toString("latin1"), "PNG");
          assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [2 * width, 2 * height].map(Math.floor), title);
        }
      }
      assert.ok(count >= 10, `${count} pictures`);
    });
  });

  place.test("exports: every CSV of every view has numbers of the files", async () => {
    const { folder, path } = place.small;
    const files = new Files([folder], place.profiles(folder));
    await place.visit(path, { hash: "#1/head?h=2.1" }, async (page) => {
      const downloads = place.path("saved");
      let count = 0;
      for (const view of await viewsOf(page)) {
        await show(page, view);
        const list = view === "heads" ? [{ selector: "#csv", title: "Heads" }] : [];
        for (const { selector, title } of [...list, ...await savers(page, "CSV")]) {
          const { name, bytes } = await saved(page, downloads, selector);
          assert.match(name, /^[a-z0-9-]+\.csv$/);
          const rows = parseCsv(bytes.toString("utf8"));
          assert.ok(rows.length > 0, title);
          const columns = Object.keys(rows[0]);
          files.check({ title: `${view}, ${title}`, name: title.replace(/: save as CSV$/, ""), columns,
            rows: rows.map((row) => Object.values(row)), head: view === "head" ? "2.1" : null });
          count += rows.length;
        }
      }
      assert.ok(count > 300, `${count} rows`);
    });
  });

  place.test("exports: a LaTeX row, and a link to what is shown", async () => {
    await place.visit(place.small.path, { hash: "#1/head?h=2.1" }, async (page) => {
      const offered = async (words) => {
        await page.evaluate((text) => [...document.querySelectorAll("button")].find((node) => node.textContent === text).click(), words);
        const text = await page.$eval("dialog[open] textarea", (node) => node.value);
        await page.keyboard.press("Escape");
        await page.waitForFunction(() => !document.querySelector("dialog[open]"));
        return text;
      };
      assert.match(await offered("LaTeX row"), /^% head & ap\\_overall.*\n2\.1 & \$0\.\d+/);
      assert.match(await offered("Link"), /^#1\/head\?h=2\.1$/);
    });
  });
}
