// Starts Debian's browsers without a window and without a network, and watches what pages do.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";

const kNames = { chrome: ["chromium", "chromium-browser", "google-chrome"], firefox: ["firefox-esr", "firefox"] };

// The path of a browser; null: it is not installed.
export function findBrowser(kind) {
  for (const name of kNames[kind]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  return null;
}

export async function start(kind, folder) {
  return puppeteer.launch({
    browser: kind,
    executablePath: findBrowser(kind),
    headless: true,
    protocolTimeout: 120_000,
    env: { ...process.env, HOME: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder },
    args: kind === "firefox" ? [] : [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--hide-scrollbars",
      "--host-resolver-rules=MAP * ~NOTFOUND", "--no-first-run", "--disable-background-networking", "--mute-audio",
    ],
  });
}

// Runs in the page before its script: counts violations of the policy, and calls that hostile texts ask for.
function spy() {
  window.seen = { violations: [], hits: 0, ready: 0 };
  window.hit = () => { window.seen.hits += 1; };
  document.addEventListener("securitypolicyviolation", (event) =>
    window.seen.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
  const look = () => {
    if (document.documentElement?.dataset.ready) window.seen.ready = performance.now();
    else if (performance.now() < 60_000) requestAnimationFrame(look);
  };
  look();
}

// Opens a file. `trouble` collects what no page of ours may cause; close() throws if there is any.
export async function open(browser, path, options = {}) {
  const { hash = "", width = 1440, height = 900, scheme = "light", before = null, ready = true } = options;
  const page = await browser.newPage();
  const trouble = [];
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => trouble.push(`error: ${error.message ?? error}`));
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]).catch(() => {}); // not in Firefox
  if ((await browser.version()).toLowerCase().includes("chrome")) await page.setOfflineMode(true);
  await page.evaluateOnNewDocument(spy);
  if (before) await page.evaluateOnNewDocument(before);
  const address = pathToFileURL(path).href;
  await page.goto(address + hash, { waitUntil: "load" });
  if (ready) {
    await page.waitForSelector(":root[data-ready]", { timeout: 20_000 }).catch(async (error) => {
      const text = await page.evaluate(() => document.body.innerText.slice(0, 300));
      throw new Error([`${path} does not become ready (${error.message})`, ...trouble, text].join("\n"));
    });
  }
  return {
    page, address, requests, trouble,
    async close() {
      const seen = await page.evaluate(() => window.seen);
      await page.close();
      assert.deepEqual(trouble, []);
      assert.deepEqual(seen.violations, []);
      assert.equal(seen.hits, 0);
      const own = (url) => url.split("#")[0] === address || /^(data|blob):/.test(url);
      assert.deepEqual(requests.filter((url) => !own(url)), []);
    },
  };
}

// A click, as the page sees it: without moving the mouse, and at once.
export async function press(page, selector) {
  await page.evaluate((text) => {
    const node = document.querySelector(text);
    if (!node) throw new Error(`there is no ${text}`);
    node.click();
  }, selector);
}

export async function show(page, view) {
  await press(page, `#tab-${view}`);
}

export function viewsOf(page) {
  return page.evaluate(() => [...document.querySelectorAll("nav button[id^=tab-]")].map((node) => node.id.slice(4)));
}
